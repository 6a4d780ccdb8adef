//! ICMP echo from inside a namespace, IPv4 and IPv6.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::errors::{NoAnswer, SocketFailure, TrafficError, attempt, inside};
use super::icmp_packet::{echo_request, reply_sequence};
use crate::namespace::Namespace;

/// Each run of echo requests gets the next one, so that two never take each other's replies.
static NEXT_IDENTIFIER: AtomicU16 = AtomicU16::new(1);

/// Echo requests and where they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// Whom to ask.
    pub to: IpAddr,
    /// How many requests, each sent when the one before was answered or given up.
    pub count: u16,
    /// Bytes behind the ICMP header.
    pub payload_bytes: usize,
    /// The identifier in the requests; one of its own for each run if not given.
    pub identifier: Option<u16>,
    /// How long each answer may take.
    pub timeout: Duration,
}

impl Ping {
    /// Requests as the `ping` command sends them.
    pub fn new(to: IpAddr, count: u16, timeout: Duration) -> Self {
        Self {
            to,
            count,
            payload_bytes: 56,
            identifier: None,
            timeout,
        }
    }
}

/// How a run of echo requests went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingReport {
    /// The identifier in the requests.
    pub identifier: u16,
    /// Requests sent.
    pub sent: u16,
    /// Requests answered.
    pub replies: u16,
    /// What became of the last request that got no reply.
    pub no_answer: Option<NoAnswer>,
}

/// Sends echo requests from inside the namespace and counts the replies.
///
/// # Errors
/// The namespace cannot be entered, or a raw socket is not to be had (it needs root).
pub fn ping(namespace: &Namespace, ping: &Ping) -> Result<PingReport, TrafficError> {
    inside(namespace, || run(ping))
}

fn run(ping: &Ping) -> Result<PingReport, SocketFailure> {
    let identifier = ping
        .identifier
        .unwrap_or_else(|| NEXT_IDENTIFIER.fetch_add(1, Ordering::Relaxed));
    let mut report = PingReport {
        identifier,
        sent: 0,
        replies: 0,
        no_answer: None,
    };
    let (domain, protocol) = match ping.to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol)).map_err(SocketFailure::of(
        "open a raw socket (it needs root) for",
        ping.to,
    ))?;
    // Connected, so that the kernel hands over only what comes from there.
    let connected = socket.connect(&SocketAddr::new(ping.to, 0).into());
    if let Err(no_answer) = attempt(connected, "send echo requests to", ping.to)? {
        report.no_answer = Some(no_answer);
        return Ok(report);
    }
    for sequence in 1..=ping.count {
        let answered = exchange(&socket, ping, identifier, sequence, &mut report.sent);
        match attempt(answered, "send echo requests to", ping.to)? {
            Ok(()) => report.replies += 1,
            Err(no_answer) => report.no_answer = Some(no_answer),
        }
    }
    Ok(report)
}

/// Sends one request and waits for its own reply, past anything else a raw socket hears.
fn exchange(
    mut socket: &Socket,
    ping: &Ping,
    identifier: u16,
    sequence: u16,
    sent: &mut u16,
) -> io::Result<()> {
    socket.write_all(&echo_request(
        ping.to,
        identifier,
        sequence,
        ping.payload_bytes,
    ))?;
    *sent += 1;
    let deadline = Instant::now() + ping.timeout;
    let mut buffer = vec![0; 65_535];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let received = socket.read(&mut buffer)?;
        if reply_sequence(ping.to, &buffer[..received], identifier) == Some(sequence) {
            return Ok(());
        }
    }
}
