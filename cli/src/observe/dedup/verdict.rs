//! Which flows are the verdict of one end of a connection, and which two belong together.

use proto::flow::{
    Endpoint, Flow, IcmPv4, IcmPv6, TrafficDirection, Verdict as FlowVerdict, layer4,
};

use crate::output::flow_type;

/// Identities below are reserved; those from 2²⁴ on mean networks outside.
const MANAGED: std::ops::Range<u32> = 256..1 << 24;

/// The end of a connection that a verdict is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// Where the packet comes from.
    Egress,
    /// Where it goes to.
    Ingress,
}

/// What both ends' verdicts on one packet share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    source: String,
    destination: String,
    protocol: Protocol,
    is_reply: bool,
}

/// Ports, or what ICMP has in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Protocol {
    Tcp(u32, u32),
    Udp(u32, u32),
    Sctp(u32, u32),
    Icmpv4(u32, u32),
    Icmpv6(u32, u32),
    Other,
}

/// The verdict of one end that the other end may have one to.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) key: Key,
    pub(super) end: End,
}

impl Verdict {
    /// Nothing, if the flow is anything else, or if the other end has none: its end is not managed, or the packet never
    /// got there.
    pub(super) fn of(flow: &Flow) -> Option<Self> {
        if flow_type::number(flow) != flow_type::POLICY_VERDICT || flow.l7.is_some() {
            return None;
        }
        let (end, other) = match flow.traffic_direction() {
            TrafficDirection::Egress => (End::Egress, flow.destination.as_ref()),
            TrafficDirection::Ingress => (End::Ingress, flow.source.as_ref()),
            TrafficDirection::Unknown => return None,
        };
        let stops_here = matches!(
            flow.verdict(),
            FlowVerdict::Dropped | FlowVerdict::Error | FlowVerdict::Unknown
        );
        if (end == End::Egress && stops_here) || !other.is_some_and(is_managed) {
            return None;
        }
        let ip = flow.ip.as_ref()?;
        let key = Key {
            source: ip.source.clone(),
            destination: ip.destination.clone(),
            protocol: protocol(flow),
            // A denied packet leaves it open.
            is_reply: flow.is_reply == Some(true),
        };
        Some(Self { key, end })
    }
}

fn is_managed(end: &Endpoint) -> bool {
    MANAGED.contains(&end.identity)
}

fn protocol(flow: &Flow) -> Protocol {
    match flow.l4.as_ref().and_then(|l4| l4.protocol.as_ref()) {
        Some(layer4::Protocol::Tcp(tcp)) => Protocol::Tcp(tcp.source_port, tcp.destination_port),
        Some(layer4::Protocol::Udp(udp)) => Protocol::Udp(udp.source_port, udp.destination_port),
        Some(layer4::Protocol::Sctp(sctp)) => {
            Protocol::Sctp(sctp.source_port, sctp.destination_port)
        }
        Some(layer4::Protocol::IcmPv4(IcmPv4 { r#type, code })) => Protocol::Icmpv4(*r#type, *code),
        Some(layer4::Protocol::IcmPv6(IcmPv6 { r#type, code })) => Protocol::Icmpv6(*r#type, *code),
        _ => Protocol::Other,
    }
}
