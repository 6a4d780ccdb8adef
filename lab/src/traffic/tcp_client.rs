//! TCP from inside a namespace: connections, and requests that wait for their echo.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::errors::{NoAnswer, SocketFailure, TrafficError, attempt, inside};
use crate::namespace::Namespace;

/// A request longer than this is sent in parts, each echoed before the next, so that the two ends
/// never wait for each other with full buffers.
const LONGEST_PART_BYTES: usize = 16 * 1024;

/// Where to connect to, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpTarget {
    /// The server.
    pub to: SocketAddr,
    /// The address and port to come from; port 0 is any. The kernel chooses both if not given.
    pub source: Option<SocketAddr>,
    /// How long the connection, and each later answer, may take.
    pub timeout: Duration,
}

impl TcpTarget {
    /// A server, from wherever the kernel thinks best.
    pub fn new(to: SocketAddr, timeout: Duration) -> Self {
        Self {
            to,
            source: None,
            timeout,
        }
    }
}

/// What was exchanged on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpExchange {
    /// The client's address and port.
    pub local: SocketAddr,
    /// Requests that were echoed in full.
    pub echoed_requests: u32,
    /// Payload bytes echoed.
    pub echoed_bytes: u64,
    /// What ended the exchange before the last request was echoed.
    pub interrupted: Option<NoAnswer>,
    /// Whether both ends closed in order (a FIN each way).
    pub closed_cleanly: bool,
}

/// An open connection, usable from any thread. Dropping it closes it without waiting for the peer.
#[derive(Debug)]
pub struct TcpConnection {
    stream: TcpStream,
    local: SocketAddr,
    to: SocketAddr,
    namespace: Namespace,
}

/// Connects from inside the namespace, with `TCP_NODELAY`.
///
/// # Errors
/// The namespace cannot be entered, or the source address is not to be had there. What the network
/// did is the inner result.
pub fn tcp_connect(
    namespace: &Namespace,
    target: &TcpTarget,
) -> Result<Result<TcpConnection, NoAnswer>, TrafficError> {
    let connected = inside(namespace, || connect(target))?;
    Ok(connected.map(|(stream, local)| TcpConnection {
        stream,
        local,
        to: target.to,
        namespace: namespace.clone(),
    }))
}

/// Connects, sends `requests` requests of `request_bytes` each, one after the other, waits for the
/// echo of each, and closes.
///
/// # Errors
/// As [`tcp_connect`].
pub fn tcp_exchange(
    namespace: &Namespace,
    target: &TcpTarget,
    requests: u32,
    request_bytes: usize,
) -> Result<Result<TcpExchange, NoAnswer>, TrafficError> {
    let mut connection = match tcp_connect(namespace, target)? {
        Ok(connection) => connection,
        Err(no_answer) => return Ok(Err(no_answer)),
    };
    let mut exchange = TcpExchange {
        local: connection.local,
        echoed_requests: 0,
        echoed_bytes: 0,
        interrupted: None,
        closed_cleanly: false,
    };
    for _ in 0..requests {
        if let Err(no_answer) = connection.request(request_bytes)? {
            exchange.interrupted = Some(no_answer);
            return Ok(Ok(exchange));
        }
        exchange.echoed_requests += 1;
        exchange.echoed_bytes += request_bytes as u64;
    }
    match connection.close()? {
        Ok(()) => exchange.closed_cleanly = true,
        Err(no_answer) => exchange.interrupted = Some(no_answer),
    }
    Ok(Ok(exchange))
}

impl TcpConnection {
    /// The client's address and port.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends this many bytes and waits until as many came back.
    ///
    /// # Errors
    /// The socket failed for a reason that is not the network's.
    pub fn request(&mut self, bytes: usize) -> Result<Result<(), NoAnswer>, TrafficError> {
        let echoed = self.echo(bytes);
        self.attempt(echoed, "exchange data with")
    }

    /// Sends this many bytes and waits for nothing, for a server that only counts them.
    ///
    /// # Errors
    /// The socket failed for a reason that is not the network's.
    pub fn send(&mut self, bytes: usize) -> Result<Result<(), NoAnswer>, TrafficError> {
        let sent = parts(bytes)
            .try_for_each(|part| self.stream.write_all(&[b't'; LONGEST_PART_BYTES][..part]));
        self.attempt(sent, "send to")
    }

    /// Closes in order: sends a FIN and waits for the peer's.
    ///
    /// # Errors
    /// The socket failed for a reason that is not the network's.
    pub fn close(mut self) -> Result<Result<(), NoAnswer>, TrafficError> {
        let closed = self
            .stream
            .shutdown(Shutdown::Write)
            .and_then(|()| self.read_to_end());
        self.attempt(closed, "close the connection to")
    }

    /// Closes with a reset.
    ///
    /// # Errors
    /// The socket failed for a reason that is not the network's.
    pub fn reset(self) -> Result<(), TrafficError> {
        let socket = Socket::from(self.stream);
        socket.set_linger(Some(Duration::ZERO)).map_err(|source| {
            SocketFailure::of("reset the connection to", self.to)(source).at(&self.namespace)
        })
    }

    fn echo(&mut self, bytes: usize) -> io::Result<()> {
        let request = [b't'; LONGEST_PART_BYTES];
        let mut answer = [0; LONGEST_PART_BYTES];
        for part in parts(bytes) {
            self.stream.write_all(&request[..part])?;
            self.stream.read_exact(&mut answer[..part])?;
        }
        Ok(())
    }

    fn read_to_end(&mut self) -> io::Result<()> {
        let mut rest = [0; LONGEST_PART_BYTES];
        while self.stream.read(&mut rest)? > 0 {}
        Ok(())
    }

    fn attempt(
        &self,
        result: io::Result<()>,
        action: &'static str,
    ) -> Result<Result<(), NoAnswer>, TrafficError> {
        attempt(result, action, self.to).map_err(|failure| failure.at(&self.namespace))
    }
}

fn connect(target: &TcpTarget) -> Result<Result<(TcpStream, SocketAddr), NoAnswer>, SocketFailure> {
    let opening = SocketFailure::of("open a socket for", target.to);
    let socket = Socket::new(
        Domain::for_address(target.to),
        Type::STREAM,
        Some(Protocol::TCP),
    )
    .map_err(opening)?;
    if let Some(source) = target.source {
        // A port in use a moment ago is free again.
        let bound = socket
            .set_reuse_address(true)
            .and_then(|()| socket.bind(&source.into()));
        bound.map_err(SocketFailure::of("bind to", source))?;
    }
    let connected = socket.connect_timeout(&target.to.into(), target.timeout);
    if let Err(no_answer) = attempt(connected, "connect to", target.to)? {
        return Ok(Err(no_answer));
    }
    let stream = TcpStream::from(socket);
    let ready = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(target.timeout)))
        .and_then(|()| stream.set_write_timeout(Some(target.timeout)))
        .and_then(|()| stream.local_addr());
    Ok(attempt(ready, "prepare the connection to", target.to)?.map(|local| (stream, local)))
}

/// The lengths of the parts in which so many bytes are sent.
fn parts(bytes: usize) -> impl Iterator<Item = usize> {
    (0..bytes)
        .step_by(LONGEST_PART_BYTES)
        .map(move |start| (bytes - start).min(LONGEST_PART_BYTES))
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_PART_BYTES, parts};

    #[test]
    fn parts_add_up() {
        for bytes in [
            0,
            1,
            LONGEST_PART_BYTES - 1,
            LONGEST_PART_BYTES,
            LONGEST_PART_BYTES + 1,
            1_000_000,
        ] {
            assert_eq!(parts(bytes).sum::<usize>(), bytes);
            assert_eq!(parts(bytes).count(), bytes.div_ceil(LONGEST_PART_BYTES));
        }
    }
}
