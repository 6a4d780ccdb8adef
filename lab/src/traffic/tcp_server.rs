//! A TCP server inside a namespace that echoes or counts what it receives.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::ServerMode;
use super::errors::{SocketFailure, TrafficError, inside};
use crate::namespace::Namespace;
use crate::stop::{StopSignal, Worker};

/// How long a thread of a server may take to see that it shall stop.
pub(super) const STOP_INTERVAL: Duration = Duration::from_millis(50);
/// Connections served side by side; further ones wait in the kernel's backlog.
const MOST_CONNECTIONS: usize = 256;
/// A peer that takes nothing for so long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_millis(500);

/// What a server has seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpServerCounters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that ended, whichever way.
    pub ended: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
    /// Payload bytes sent back.
    pub sent_bytes: u64,
}

#[derive(Debug, Default)]
struct Totals {
    accepted: AtomicU64,
    ended: AtomicU64,
    received_bytes: AtomicU64,
    sent_bytes: AtomicU64,
}

/// A running server; dropping it ends it and its connections.
#[derive(Debug)]
pub struct TcpServer {
    address: SocketAddr,
    totals: Arc<Totals>,
    worker: Worker,
}

impl TcpServer {
    /// Listens inside the namespace. Port 0 is any free one; [`TcpServer::address`] says which.
    ///
    /// # Errors
    /// The namespace cannot be entered, or the address cannot be bound there.
    pub fn start(
        namespace: &Namespace,
        address: SocketAddr,
        mode: ServerMode,
    ) -> Result<Self, TrafficError> {
        let (listener, address) = inside(namespace, || {
            let listener =
                TcpListener::bind(address).map_err(SocketFailure::of("listen on", address))?;
            let bound = listener
                .set_nonblocking(true)
                .and_then(|()| listener.local_addr());
            let bound = bound.map_err(SocketFailure::of("listen on", address))?;
            Ok((listener, bound))
        })?;
        let totals = Arc::new(Totals::default());
        let signal = StopSignal::default();
        let (server_totals, server_signal) = (Arc::clone(&totals), signal.clone());
        let thread = thread::Builder::new()
            .name("lab-tcp-server".to_owned())
            .spawn(move || accept_until_stopped(&listener, mode, &server_totals, &server_signal))
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn counters(&self) -> TcpServerCounters {
        TcpServerCounters {
            accepted: self.totals.accepted.load(Ordering::Relaxed),
            ended: self.totals.ended.load(Ordering::Relaxed),
            received_bytes: self.totals.received_bytes.load(Ordering::Relaxed),
            sent_bytes: self.totals.sent_bytes.load(Ordering::Relaxed),
        }
    }

    /// Ends it and its connections, waits for its threads, and says what it saw.
    pub fn stop(mut self) -> TcpServerCounters {
        self.worker.stop();
        self.counters()
    }

    /// Tells it to end without waiting.
    pub(super) fn signal(&self) {
        self.worker.signal();
    }
}

fn accept_until_stopped(
    listener: &TcpListener,
    mode: ServerMode,
    totals: &Arc<Totals>,
    signal: &StopSignal,
) {
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    while !signal.is_stopped() {
        // A thread that has ended needs no join: it only ever returns `()`.
        connections.retain(|connection| !connection.is_finished());
        if connections.len() >= MOST_CONNECTIONS {
            signal.wait(Duration::from_millis(1));
            continue;
        }
        match listener.accept() {
            Ok((stream, _)) => connections.extend(serve(stream, mode, totals, signal)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_readable(listener),
            // A connection broken off before it was accepted, or no descriptor left for now.
            Err(_) => {
                signal.wait(Duration::from_millis(1));
            }
        }
    }
    for connection in connections {
        // A panic of the thread was printed where it happened.
        drop(connection.join());
    }
}

/// Serves one connection on a thread of its own; without a thread, the connection is dropped,
/// which its client sees.
fn serve(
    stream: TcpStream,
    mode: ServerMode,
    totals: &Arc<Totals>,
    signal: &StopSignal,
) -> Option<JoinHandle<()>> {
    totals.accepted.fetch_add(1, Ordering::Relaxed);
    let (connection_totals, signal) = (Arc::clone(totals), signal.clone());
    let started = thread::Builder::new()
        .name("lab-tcp-conn".to_owned())
        .spawn(move || {
            serve_until_closed(stream, mode, &connection_totals, &signal);
            connection_totals.ended.fetch_add(1, Ordering::Relaxed);
        });
    if started.is_err() {
        totals.ended.fetch_add(1, Ordering::Relaxed);
    }
    started.ok()
}

fn serve_until_closed(
    mut stream: TcpStream,
    mode: ServerMode,
    totals: &Totals,
    signal: &StopSignal,
) {
    let prepared = stream
        .set_nonblocking(false)
        .and_then(|()| stream.set_nodelay(true))
        .and_then(|()| stream.set_read_timeout(Some(STOP_INTERVAL)))
        .and_then(|()| stream.set_write_timeout(Some(WRITE_TIMEOUT)));
    if prepared.is_err() {
        return;
    }
    let mut buffer = [0; 64 * 1024];
    while !signal.is_stopped() {
        let received = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(received) => received,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                continue;
            }
            Err(_) => return,
        };
        totals
            .received_bytes
            .fetch_add(received as u64, Ordering::Relaxed);
        if mode == ServerMode::Echo {
            if stream.write_all(&buffer[..received]).is_err() {
                return;
            }
            totals
                .sent_bytes
                .fetch_add(received as u64, Ordering::Relaxed);
        }
    }
}

/// Waits until there is something to accept or receive, or until it is time to look at the signal.
pub(super) fn wait_readable(socket: &impl AsFd) {
    let timeout = PollTimeout::try_from(STOP_INTERVAL).unwrap_or(PollTimeout::ZERO);
    let mut waiting = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    // Whatever it says, the caller tries next and sees for itself.
    let _ = poll(&mut waiting, timeout);
}
