//! As many UDP datagrams as the kernel takes, as fast as it takes them, counted to the unit.

use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, setsockopt, sockopt};
use nix::unistd::Pid;

use super::errors::{SocketFailure, TrafficError, inside};
use super::unspecified;
use crate::namespace::Namespace;

/// Datagrams per system call.
const BATCH: usize = 64;
/// Doubled by the kernel, and still less than what waits for an unknown MAC address
/// (`unres_qlen_bytes`, 208 KB): the flood then waits with it, and no datagram is thrown away.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// A datagram that the kernel does not take for so long ends the flood.
const STUCK: Duration = Duration::from_secs(5);

/// A flood and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpFlood {
    /// The first destination.
    pub to: SocketAddr,
    /// The address and port to come from; port 0 is any. The kernel chooses both if not given.
    pub source: Option<SocketAddr>,
    /// How many destination ports take turns, from the first upwards (past 65535 it goes on at 0).
    /// 1 makes one flow of it, more make as many.
    pub destination_ports: u32,
    /// How many datagrams.
    pub packets: u64,
    /// Bytes in each, behind the UDP header. One that exceeds the MTU becomes several packets.
    pub payload_bytes: usize,
    /// The CPU to send from; any if not given.
    pub cpu: Option<usize>,
}

impl UdpFlood {
    /// A flood of one flow, from any CPU.
    pub fn new(to: SocketAddr, packets: u64, payload_bytes: usize) -> Self {
        Self {
            to,
            source: None,
            destination_ports: 1,
            packets,
            payload_bytes,
            cpu: None,
        }
    }
}

/// How a flood went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FloodReport {
    /// The sender's address and port.
    pub local: SocketAddr,
    /// Datagrams the kernel took; fewer than asked for only if it took none for 5 s.
    pub sent: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Sends the flood from inside the namespace and returns when its last datagram was taken.
///
/// # Errors
/// The namespace cannot be entered, there is no such CPU, or a socket call failed.
pub fn udp_flood(namespace: &Namespace, flood: &UdpFlood) -> Result<FloodReport, TrafficError> {
    inside(namespace, || {
        if let Some(cpu) = flood.cpu
            && let Err(source) = run_on(cpu)
        {
            return Ok(Err(TrafficError::Cpu { cpu, source }));
        }
        send_all(flood).map(Ok)
    })?
}

/// Binds the calling thread to a CPU.
fn run_on(cpu: usize) -> nix::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &cpus)
}

fn send_all(flood: &UdpFlood) -> Result<FloodReport, SocketFailure> {
    let socket = open(flood)?;
    let payload = vec![b't'; flood.payload_bytes];
    let message = [IoSlice::new(&payload)];
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let mut addresses = vec![None; BATCH];
    let mut sent: u64 = 0;
    let start = Instant::now();
    while sent < flood.packets {
        let count = usize::try_from(flood.packets - sent)
            .unwrap_or(BATCH)
            .min(BATCH);
        if flood.destination_ports > 1 {
            fill_addresses(&mut addresses, flood, sent);
        }
        let batch = sendmmsg(
            socket.as_raw_fd(),
            &mut headers,
            std::iter::repeat_n(&message, count),
            &addresses,
            [],
            MsgFlags::empty(),
        );
        match batch {
            Ok(taken) => sent += taken.count() as u64,
            // What an earlier datagram met is reported in place of a send: nothing was sent.
            Err(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::EINTR | Errno::ENOBUFS) => {}
            Err(Errno::EAGAIN) => break,
            Err(error) => return Err(SocketFailure::of("send to", flood.to)(error)),
        }
    }
    let elapsed = start.elapsed();
    let local = socket
        .local_addr()
        .map_err(SocketFailure::of("send to", flood.to))?;
    Ok(FloodReport {
        local,
        sent,
        elapsed,
    })
}

fn open(flood: &UdpFlood) -> Result<UdpSocket, SocketFailure> {
    let source = flood.source.unwrap_or_else(|| unspecified(flood.to));
    let socket = UdpSocket::bind(source).map_err(SocketFailure::of("bind to", source))?;
    setsockopt(&socket, sockopt::SndBuf, &SEND_BUFFER_BYTES)
        .map_err(SocketFailure::of("set the send buffer for", flood.to))?;
    let mut ready = socket.set_write_timeout(Some(STUCK));
    if flood.destination_ports <= 1 {
        // Connected: the kernel looks up the route once.
        ready = ready.and_then(|()| socket.connect(flood.to));
    }
    ready.map_err(SocketFailure::of("send to", flood.to))?;
    Ok(socket)
}

/// The destinations of the datagrams from number `first` on.
fn fill_addresses(addresses: &mut [Option<SockaddrStorage>], flood: &UdpFlood, first: u64) {
    for (address, number) in addresses.iter_mut().zip(first..) {
        *address = Some(SocketAddr::new(flood.to.ip(), port_of(flood, number)).into());
    }
}

fn port_of(flood: &UdpFlood, number: u64) -> u16 {
    let turn = number % u64::from(flood.destination_ports.max(1));
    // Truncation is the wrap-around that is documented.
    flood.to.port().wrapping_add(turn as u16)
}

#[cfg(test)]
mod tests {
    use super::{UdpFlood, port_of};

    #[test]
    fn destination_ports_take_turns() {
        let flood = |ports| UdpFlood {
            destination_ports: ports,
            ..UdpFlood::new(([10, 0, 0, 1], 65_534).into(), 9, 1)
        };
        let ports = |count| {
            (0..5)
                .map(|number| port_of(&flood(count), number))
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(0), [65_534; 5]);
        assert_eq!(ports(1), [65_534; 5]);
        assert_eq!(ports(3), [65_534, 65_535, 0, 65_534, 65_535]);
    }
}
