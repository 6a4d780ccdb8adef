//! One attempt: a server that is there for it alone, and a connection, a datagram or an echo request from a new port.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lab::Namespace;
use lab::traffic::{
    Ping, ServerMode, TcpServer, TcpTarget, UdpRequest, UdpServer, ping, tcp_exchange, udp_exchange,
};
use tests::attempt::{Protocol, any};

use super::case::Row;

/// How long an answer that must come may take, and one that must not.
const PATIENCE: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(60);

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) talk: Talk,
    /// As in the table.
    pub(super) said: Vec<String>,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// The answer came.
    Answered,
    /// The other side heard of it, but no answer came.
    Heard,
    /// The other side heard nothing; of echo requests, that no answer came.
    Nothing,
}

/// Whom to reach.
pub(super) struct Target<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) address: IpAddr,
}

/// Tries, from a port that nobody has used yet.
pub(super) fn talk(from: &Namespace, target: &Target<'_>, row: &Row, port: u16) -> Talk {
    let to = SocketAddr::new(target.address, row.port);
    let source = Some(SocketAddr::new(any(row.ipv6), port));
    let timeout = if row.passes() { PATIENCE } else { SHORT };
    let (answered, heard) = match row.protocol {
        Protocol::Tcp => {
            let server = TcpServer::start(target.namespace, to, ServerMode::Echo);
            let request = TcpTarget {
                source,
                ..TcpTarget::new(to, timeout)
            };
            let exchange = tcp_exchange(from, &request, 1, 100).expect("sockets work");
            let answered = exchange.is_ok_and(|exchange| exchange.closed_cleanly);
            (answered, server.expect("a free port").stop().accepted > 0)
        }
        Protocol::Udp => {
            let server = UdpServer::start(target.namespace, to, ServerMode::Echo);
            let request = UdpRequest {
                source,
                ..UdpRequest::new(to, b"ping", timeout)
            };
            let reply = udp_exchange(from, &request).expect("sockets work");
            let answered = reply.is_ok_and(|reply| reply.payload == b"ping");
            (answered, server.expect("a free port").stop().received > 0)
        }
        Protocol::Icmp => {
            let request = Ping::new(to.ip(), 1, timeout);
            let report = ping(from, &request).expect("sockets work");
            (report.replies == 1, false)
        }
    };
    match (answered, heard) {
        (true, _) => Talk::Answered,
        (false, true) => Talk::Heard,
        (false, false) => Talk::Nothing,
    }
}
