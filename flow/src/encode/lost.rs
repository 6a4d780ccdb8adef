//! `flow.LostEvent`: rare, so it goes through its generated type.

use bpf_events::record::{LOST_KERNEL_RING, LOST_STORE};
use prost::Message as _;

use super::NANOS_PER_SECOND;
use crate::row::FlowRow;
use crate::store::Loss;
use crate::wire::{BYTES, put_bytes, tag};

/// The event of a loss row. `LOST_*` are the numbers of `flow.LostEventSource`.
pub(super) fn event_of_row(row: &FlowRow) -> proto::flow::LostEvent {
    proto::flow::LostEvent {
        source: row.reason.into(),
        num_events_lost: row.packets.into(),
        cpu: (row.reason == LOST_KERNEL_RING).then(|| row.cpu.into()),
        first: Some(timestamp(row.time_ns)),
        last: Some(timestamp(row.bytes)),
    }
}

/// The event of a reader that was slower than the store.
pub(super) fn event_of_store(loss: &Loss) -> proto::flow::LostEvent {
    proto::flow::LostEvent {
        source: LOST_STORE.into(),
        num_events_lost: loss.count,
        cpu: None,
        first: Some(timestamp(loss.first_ns)),
        last: Some(timestamp(loss.last_ns)),
    }
}

/// Appends the field `lost_events` of a response.
pub(super) fn put_event(out: &mut Vec<u8>, event: &proto::flow::LostEvent) {
    put_bytes(out, tag::<1>(3, BYTES), &event.encode_to_vec());
}

fn timestamp(time_ns: u64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(time_ns / NANOS_PER_SECOND).unwrap_or(i64::MAX),
        nanos: i32::try_from(time_ns % NANOS_PER_SECOND).unwrap_or(0),
    }
}
