//! A packet of a conversation, as the model of connections sees it, and its bytes.

use std::fmt;
use std::net::IpAddr;

use tests::frame::{GRE, ICMP, ICMPV6, SCTP, TCP, UDP, Wrapping, frame, icmp, sctp, tcp, udp};

/// FIN, SYN, RST and ACK of a TCP header.
pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const ACK: u8 = 16;

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// From where.
    pub(super) source: IpAddr,
    /// To where.
    pub(super) destination: IpAddr,
    /// IP protocol.
    pub(super) protocol: u8,
    /// Ports of source and destination; 0 without ports.
    pub(super) ports: [u16; 2],
    /// Flags of TCP.
    pub(super) flags: u8,
    /// Type of ICMP.
    pub(super) icmp_type: u8,
    /// Identifier of an echo.
    pub(super) echo_id: u16,
    /// What stands around its transport header.
    pub(super) wrapping: Wrapping,
    /// What an ICMP error is about.
    pub(super) about: Option<Box<Flight>>,
}

impl Flight {
    /// Its bytes. A later fragment has no transport header.
    pub(super) fn frame(&self) -> Vec<u8> {
        let payload = if self.is_later_fragment() {
            vec![0x55; 16]
        } else {
            self.payload()
        };
        let Self {
            source,
            destination,
            protocol,
            wrapping,
            ..
        } = self;
        frame(*source, *destination, *protocol, *wrapping, &payload)
    }

    fn payload(&self) -> Vec<u8> {
        let [source, destination] = self.ports;
        match self.protocol {
            TCP => tcp(source, destination, self.flags),
            UDP => udp(source, destination),
            SCTP => sctp(source, destination),
            ICMP | ICMPV6 => {
                // A quote is the packet without its Ethernet header.
                let quote = self.about.as_ref().map(|about| {
                    let mut about = about.clone();
                    about.wrapping.vlan = None;
                    about.frame().split_off(14)
                });
                icmp(self.icmp_type, 0, self.echo_id, &quote.unwrap_or_default())
            }
            GRE => vec![0; 8],
            other => panic!("no conversation is held in protocol {other}"),
        }
    }

    /// Whether the transport header is in another fragment.
    pub(super) fn is_later_fragment(&self) -> bool {
        self.wrapping
            .fragment
            .is_some_and(|fragment| fragment.offset != 0)
    }

    /// Whether it is of ICMP or ICMPv6.
    pub(super) fn is_icmp(&self) -> bool {
        matches!(self.protocol, ICMP | ICMPV6)
    }

    /// Whether it asks for an echo, whether it answers one, or neither.
    pub(super) fn echo(&self) -> Option<bool> {
        match (self.protocol, self.icmp_type) {
            (ICMP, 8) | (ICMPV6, 128) => Some(true),
            (ICMP, 0) | (ICMPV6, 129) => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = self.ports;
        write!(
            out,
            "{}:{from} > {}:{to} protocol {}",
            self.source, self.destination, self.protocol
        )?;
        for (flag, name) in [(SYN, "SYN"), (ACK, "ACK"), (FIN, "FIN"), (RST, "RST")] {
            if self.flags & flag != 0 {
                write!(out, " {name}")?;
            }
        }
        if self.is_icmp() {
            write!(out, " type {} id {}", self.icmp_type, self.echo_id)?;
        }
        if self.wrapping != Wrapping::default() {
            write!(out, " {:?}", self.wrapping)?;
        }
        match &self.about {
            Some(about) => write!(out, " about ({about})"),
            None => Ok(()),
        }
    }
}
