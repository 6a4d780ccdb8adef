//! Who is at the ends of a flow, and whose policies its connection is a matter of.

use bpf_events::record::{DIRECTION_EGRESS, REPLY_NO, REPLY_YES};
use flow::row::FlowRow;
use policy::{Direction, Identity, LabelSet, protocol};

use super::decide::Asked;
use crate::control::Snapshot;
use crate::node::Node;

/// One end of a flow, as of its time.
struct End {
    identity: Identity,
    /// Its number, if it is an endpoint.
    endpoint: Option<u32>,
    labels: LabelSet,
    called: String,
}

/// Both ends of a flow's connection.
pub(super) struct Ends {
    subject: End,
    peer: End,
    direction: Direction,
    port: u16,
}

impl Ends {
    /// The record tells the direction of the connection as its endpoint sees it, and the addresses of the packet.
    pub(super) fn of(row: &FlowRow, node: &Node, snapshot: &Snapshot) -> Self {
        let end = |identity, metadata| end(Identity(identity), metadata, row, node, snapshot);
        let source = end(row.source_identity, row.source_metadata);
        let destination = end(row.destination_identity, row.destination_metadata);
        let reply = is_reply(row, &source, &destination);
        let (opener, responder) = if reply {
            (destination, source)
        } else {
            (source, destination)
        };
        let (direction, subject, peer) = if row.direction == DIRECTION_EGRESS {
            (Direction::Egress, opener, responder)
        } else {
            (Direction::Ingress, responder, opener)
        };
        Self {
            subject,
            peer,
            direction,
            port: service_port(row, reply),
        }
    }

    /// What its policies are asked.
    pub(super) fn asked<'a>(&'a self, row: &FlowRow, snapshot: &Snapshot) -> Asked<'a> {
        Asked {
            subject: (self.subject.identity, &self.subject.labels),
            called: &self.subject.called,
            peer: (self.peer.identity, &self.peer.labels),
            direction: self.direction,
            protocol: row.protocol,
            port: self.port,
            local_host_passes: snapshot.local_host_passes,
            with_near: true,
        }
    }
}

fn end(identity: Identity, metadata: u32, row: &FlowRow, node: &Node, snapshot: &Snapshot) -> End {
    let version = node.names.metadata.version(metadata);
    let content = version.as_ref().map(|version| version.content());
    let journal = &snapshot.view.identity_journal;
    let labels = journal
        .at(&identity, row.time_ns)
        .map(|span| span.value.clone())
        .or_else(|| identity.reserved_labels())
        .or_else(|| content.map(|content| content.labels.clone()))
        .unwrap_or_default();
    let named = content.filter(|content| !content.pod_name.is_empty());
    let called = match named {
        Some(content) if content.namespace.is_empty() => content.pod_name.to_string(),
        Some(content) => format!("{}/{}", content.namespace, content.pod_name),
        None => format!("identity {identity}"),
    };
    End {
        identity,
        endpoint: content
            .map(|content| content.endpoint_id)
            .filter(|number| *number != 0),
        labels,
        called,
    }
}

/// Whether the packet was an answer. A drop does not say: what the endpoint of the hook sent is an answer if the connection
/// was opened towards it, and what it got is one if it opened the connection.
fn is_reply(row: &FlowRow, source: &End, destination: &End) -> bool {
    match row.reply {
        REPLY_YES => true,
        REPLY_NO => false,
        _ => {
            let is_here = |end: &End| end.endpoint == Some(row.endpoint.into());
            let opened_here = row.direction == DIRECTION_EGRESS;
            match (is_here(source), is_here(destination)) {
                (true, false) => !opened_here,
                (false, true) => opened_here,
                _ => false,
            }
        }
    }
}

/// The port, or the ICMP type, of the request that opened the connection.
fn service_port(row: &FlowRow, reply: bool) -> u16 {
    match (row.protocol, reply) {
        // An echo reply belongs to an echo request.
        (protocol::ICMP, true) if row.icmp_type == 0 => 8,
        (protocol::ICMPV6, true) if row.icmp_type == 129 => 128,
        (protocol::ICMP | protocol::ICMPV6, _) => row.icmp_type.into(),
        (_, true) => row.source_port,
        (_, false) => row.destination_port,
    }
}
