//! Traffic between namespaces: servers, single attempts, floods, and scenarios that run until
//! stopped. No external program takes part.
//!
//! Two kinds of failure are kept apart: a [`TrafficError`] means that the attempt could not be
//! made (no such namespace, no permission), a [`NoAnswer`] is what a network may do to it.

mod errors;
mod flood;
mod icmp_packet;
mod ping;
mod scenario;
mod step;
mod tcp_client;
mod tcp_server;
mod udp_client;
mod udp_server;

use std::net::SocketAddr;

pub use errors::{NoAnswer, TrafficError};
pub use flood::{FloodReport, UdpFlood, udp_flood};
pub use ping::{Ping, PingReport, ping};
pub use scenario::{Generator, Scenario, ServerProtocol};
pub use step::{Action, Step, StepReport};
pub use tcp_client::{TcpConnection, TcpExchange, TcpTarget, tcp_connect, tcp_exchange};
pub use tcp_server::{TcpServer, TcpServerCounters};
pub use udp_client::{UdpReply, UdpRequest, udp_exchange};
pub use udp_server::{UdpServer, UdpServerCounters};

/// What a server does with what it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerMode {
    /// Sends it back.
    Echo,
    /// Counts it.
    Sink,
}

/// Any port of any address of the family of `address`.
fn unspecified(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => SocketAddr::from(([0; 4], 0)),
        SocketAddr::V6(_) => SocketAddr::from(([0; 16], 0)),
    }
}
