//! Sums of counts. What was added can be taken away again, whatever else was added between, beyond 64 bits too.

use bpf_events::edge::EdgeCell;
use proto::tycho::v1::EdgeCounts;

/// Adds what was counted.
pub(super) fn add(sum: &mut EdgeCounts, counts: &EdgeCounts) {
    each(sum, counts, u64::wrapping_add);
}

/// Takes away what was added.
pub(super) fn subtract(sum: &mut EdgeCounts, counts: &EdgeCounts) {
    each(sum, counts, u64::wrapping_sub);
}

fn each(sum: &mut EdgeCounts, counts: &EdgeCounts, operation: impl Fn(u64, u64) -> u64) {
    sum.forward_packets = operation(sum.forward_packets, counts.forward_packets);
    sum.forward_bytes = operation(sum.forward_bytes, counts.forward_bytes);
    sum.reply_packets = operation(sum.reply_packets, counts.reply_packets);
    sum.reply_bytes = operation(sum.reply_bytes, counts.reply_bytes);
}

/// What the kernel has counted.
pub(super) fn of_cell(cell: &EdgeCell) -> EdgeCounts {
    EdgeCounts {
        forward_packets: cell.forward_packets,
        forward_bytes: cell.forward_bytes,
        reply_packets: cell.reply_packets,
        reply_bytes: cell.reply_bytes,
    }
}
