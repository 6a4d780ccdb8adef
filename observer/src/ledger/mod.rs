//! The ledger: where every record went since this observer started, closing to the unit at rest.

mod counters;
mod reading;
mod stages;

use proto::tycho::v1::{GetLedgerResponse, LedgerRow, MapRow};

pub use reading::{ConnectionReading, KernelReading, KernelSource, Outcome};

use crate::control::{MapPressure, warnings};
use crate::node::Node;

/// The ledger of a node now. Asking changes no counter.
#[must_use]
pub fn ledger(node: &Node) -> GetLedgerResponse {
    // The later stages first, so that none is ever ahead of an earlier one.
    let pipeline = node.counts.reading();
    let kernel = node.kernel.as_ref().map(|kernel| kernel.reading());
    let stages = stages::Stages {
        pipeline,
        kernel: kernel.as_ref(),
    };
    let mut rows = stages.rows();
    rows.extend(agent_rows(node));
    GetLedgerResponse {
        node_name: node.names.node_name.clone(),
        started: Some(timestamp(node.started_ns)),
        rows,
        closed: stages.closed(),
        maps: node.board.maps().iter().map(map_row).collect(),
        warnings: warnings(&node.board),
        kernel: kernel.as_ref().map(counters::rows).unwrap_or_default(),
    }
}

/// Agent events have a list of their own, beside the way of flows.
fn agent_rows(node: &Node) -> [LedgerRow; 2] {
    [
        stages::row(
            "agent events",
            node.agent_events.count(),
            "what the agent itself did; the newest 4,096 are held",
        ),
        stages::row(
            "lost: agent events",
            node.agent_events.lost(),
            "of those, overwritten before a client that followed had read them; each client counts",
        ),
    ]
}

fn map_row(map: &MapPressure) -> MapRow {
    MapRow {
        name: map.map.clone(),
        entries: map.entries,
        capacity: map.capacity,
        meaning: map.meaning.clone(),
    }
}

fn timestamp(time_ns: u64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(time_ns / 1_000_000_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(time_ns % 1_000_000_000).unwrap_or(0),
    }
}
