//! One attempt of one endpoint to reach another, and whether it was answered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use lab::traffic::{
    Ping, ServerMode, TcpServer, TcpTarget, UdpRequest, UdpServer, ping, tcp_exchange, udp_exchange,
};

use crate::datapath::TestNode;

/// Shorter than the second after which TCP repeats its SYN: a denied attempt is one packet.
pub const PATIENCE: Duration = Duration::from_millis(250);

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A connection, one request of 100 bytes with its echo, and the end of the connection.
    Tcp,
    /// One datagram of 4 bytes.
    Udp,
    /// One echo request.
    Icmp,
}

impl Protocol {
    /// All.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Icmp];
}

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Who tries.
    pub from: &'a str,
    /// Whom to reach.
    pub to: &'a str,
    /// How.
    pub protocol: Protocol,
    /// In which family.
    pub ipv6: bool,
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub port: u16,
}

impl TestNode {
    /// Tries; true if the answer came.
    pub fn is_answered(&self, attempt: &Attempt<'_>) -> bool {
        let namespace = self.namespace(attempt.from);
        let address = self.address(attempt.to, attempt.ipv6);
        let to = SocketAddr::new(address, attempt.port);
        let source = Some(SocketAddr::new(any(attempt.ipv6), attempt.source_port));
        match attempt.protocol {
            Protocol::Tcp => {
                let target = TcpTarget {
                    source,
                    ..TcpTarget::new(to, PATIENCE)
                };
                let exchange = tcp_exchange(namespace, &target, 1, 100).expect("sockets work");
                exchange.is_ok_and(|exchange| exchange.closed_cleanly)
            }
            Protocol::Udp => {
                let request = UdpRequest {
                    source,
                    ..UdpRequest::new(to, b"ping", PATIENCE)
                };
                let reply = udp_exchange(namespace, &request).expect("sockets work");
                reply.is_ok_and(|reply| reply.payload == b"ping")
            }
            Protocol::Icmp => {
                let request = Ping::new(address, 1, PATIENCE);
                ping(namespace, &request).expect("sockets work").replies == 1
            }
        }
    }

    /// Echo servers for TCP and UDP in both families.
    pub fn serve(&self, name: &str, port: u16) -> Servers {
        let namespace = self.namespace(name);
        let at = |ipv6| SocketAddr::new(self.address(name, ipv6), port);
        Servers {
            tcp: [false, true].map(|ipv6| {
                TcpServer::start(namespace, at(ipv6), ServerMode::Echo).expect("the port is free")
            }),
            udp: [false, true].map(|ipv6| {
                UdpServer::start(namespace, at(ipv6), ServerMode::Echo).expect("the port is free")
            }),
        }
    }
}

/// Echo servers of one endpoint.
#[derive(Debug)]
pub struct Servers {
    tcp: [TcpServer; 2],
    udp: [UdpServer; 2],
}

impl Servers {
    /// Connections and datagrams that arrived so far; ICMP is answered by the kernel and not counted.
    pub fn heard(&self, protocol: Protocol, ipv6: bool) -> u64 {
        match protocol {
            Protocol::Tcp => self.tcp[usize::from(ipv6)].counters().accepted,
            Protocol::Udp => self.udp[usize::from(ipv6)].counters().received,
            Protocol::Icmp => 0,
        }
    }
}

/// Any address of a family.
pub fn any(ipv6: bool) -> IpAddr {
    if ipv6 {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    }
}
