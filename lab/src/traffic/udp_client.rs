//! One UDP datagram from inside a namespace, and its answer.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::errors::{NoAnswer, SocketFailure, TrafficError, attempt, inside};
use super::unspecified;
use crate::namespace::Namespace;

/// What UDP can carry at most.
const LONGEST_DATAGRAM_BYTES: usize = 65_535;

/// A datagram and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpRequest<'a> {
    /// The server.
    pub to: SocketAddr,
    /// The address and port to come from; port 0 is any. The kernel chooses both if not given.
    pub source: Option<SocketAddr>,
    /// What to send.
    pub payload: &'a [u8],
    /// How long the answer may take.
    pub timeout: Duration,
}

impl<'a> UdpRequest<'a> {
    /// A datagram from wherever the kernel thinks best.
    pub fn new(to: SocketAddr, payload: &'a [u8], timeout: Duration) -> Self {
        Self {
            to,
            source: None,
            payload,
            timeout,
        }
    }
}

/// The answer to a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpReply {
    /// The client's address and port.
    pub local: SocketAddr,
    /// What came back.
    pub payload: Vec<u8>,
}

/// Sends one datagram from inside the namespace and waits for one from where it went.
///
/// # Errors
/// The namespace cannot be entered, the source address is not to be had there, or the payload is
/// too long. What the network did is the inner result.
pub fn udp_exchange(
    namespace: &Namespace,
    request: &UdpRequest<'_>,
) -> Result<Result<UdpReply, NoAnswer>, TrafficError> {
    inside(namespace, || exchange(request))
}

fn exchange(request: &UdpRequest<'_>) -> Result<Result<UdpReply, NoAnswer>, SocketFailure> {
    let to = request.to;
    let source = request.source.unwrap_or_else(|| unspecified(to));
    let socket = UdpSocket::bind(source).map_err(SocketFailure::of("bind to", source))?;
    let mut answer = vec![0; LONGEST_DATAGRAM_BYTES];
    // Connected, so that "port unreachable" is reported, and so that nobody else can answer.
    let received = socket
        .set_read_timeout(Some(request.timeout))
        .and_then(|()| socket.connect(to))
        .and_then(|()| socket.send(request.payload))
        .and_then(|_| socket.recv(&mut answer))
        .and_then(|received| Ok((received, socket.local_addr()?)));
    Ok(
        attempt(received, "exchange a datagram with", to)?.map(|(received, local)| {
            answer.truncate(received);
            UdpReply {
                local,
                payload: answer,
            }
        }),
    )
}
