//! A UDP server inside a namespace that echoes or counts what it receives.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use nix::sys::socket::{setsockopt, sockopt};

use super::ServerMode;
use super::errors::{SocketFailure, TrafficError, inside};
use super::tcp_server::wait_readable;
use crate::namespace::Namespace;
use crate::stop::{StopSignal, Worker};

/// Room for a flood to wait in, about 80,000 small datagrams.
const RECEIVE_BUFFER_BYTES: usize = 64 * 1024 * 1024;

/// What a server has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UdpServerCounters {
    /// Datagrams received.
    pub received: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
    /// Datagrams sent back.
    pub sent: u64,
}

#[derive(Debug, Default)]
struct Totals {
    received: AtomicU64,
    received_bytes: AtomicU64,
    sent: AtomicU64,
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct UdpServer {
    address: SocketAddr,
    totals: Arc<Totals>,
    worker: Worker,
}

impl UdpServer {
    /// Receives inside the namespace. Port 0 is any free one; [`UdpServer::address`] says which.
    ///
    /// # Errors
    /// The namespace cannot be entered, or the address cannot be bound there.
    pub fn start(
        namespace: &Namespace,
        address: SocketAddr,
        mode: ServerMode,
    ) -> Result<Self, TrafficError> {
        let (socket, address) = inside(namespace, || {
            let socket = UdpSocket::bind(address).map_err(SocketFailure::of("bind to", address))?;
            setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES)
                .map_err(SocketFailure::of("enlarge the receive buffer of", address))?;
            let bound = socket
                .set_nonblocking(true)
                .and_then(|()| socket.local_addr());
            let bound = bound.map_err(SocketFailure::of("bind to", address))?;
            Ok((socket, bound))
        })?;
        let totals = Arc::new(Totals::default());
        let signal = StopSignal::default();
        let (server_totals, server_signal) = (Arc::clone(&totals), signal.clone());
        let thread = thread::Builder::new()
            .name("lab-udp-server".to_owned())
            .spawn(move || serve_until_stopped(&socket, mode, &server_totals, &server_signal))
            .map_err(|source| TrafficError::Thread {
                address: address.to_string(),
                source,
            })?;
        Ok(Self {
            address,
            totals,
            worker: Worker::new(signal, thread),
        })
    }

    /// Where it receives.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn counters(&self) -> UdpServerCounters {
        UdpServerCounters {
            received: self.totals.received.load(Ordering::Relaxed),
            received_bytes: self.totals.received_bytes.load(Ordering::Relaxed),
            sent: self.totals.sent.load(Ordering::Relaxed),
        }
    }

    /// Ends it, waits for its thread, and says what it saw.
    pub fn stop(mut self) -> UdpServerCounters {
        self.worker.stop();
        self.counters()
    }

    /// Tells it to end without waiting.
    pub(super) fn signal(&self) {
        self.worker.signal();
    }
}

fn serve_until_stopped(socket: &UdpSocket, mode: ServerMode, totals: &Totals, signal: &StopSignal) {
    let mut buffer = vec![0; 65_535];
    while !signal.is_stopped() {
        let (received, from) = match socket.recv_from(&mut buffer) {
            Ok(datagram) => datagram,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                wait_readable(socket);
                continue;
            }
            // An earlier answer found nobody; that is the client's business.
            Err(_) => continue,
        };
        totals.received.fetch_add(1, Ordering::Relaxed);
        totals
            .received_bytes
            .fetch_add(received as u64, Ordering::Relaxed);
        if mode == ServerMode::Echo && socket.send_to(&buffer[..received], from).is_ok() {
            totals.sent.fetch_add(1, Ordering::Relaxed);
        }
    }
}
