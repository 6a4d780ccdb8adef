//! Up to which time all records are in the store, or lost: what they mean may then be forgotten with the flows.

use super::PipelineReading;
use crate::node::Node;

/// What had been written at some moment, and the last moment of which everything has arrived.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// A wall time, and how many records had been written by then since the start.
    mark: (u64, u64),
    settled_ns: u64,
}

impl Settled {
    /// Looks at a node's counters; the newest time known to be settled, nanoseconds since 1970.
    pub(crate) fn look(&mut self, node: &Node, now_ns: u64) -> u64 {
        let pipeline = node.counts.reading();
        // Written after the pipeline was read: a record in between only makes the answer later.
        let written = match &node.kernel {
            Some(kernel) => kernel.reading().emitted,
            None => pipeline.read,
        };
        self.advance(&pipeline, written, now_ns)
    }

    fn advance(&mut self, pipeline: &PipelineReading, written: u64, now_ns: u64) -> u64 {
        let arrived = pipeline.malformed + pipeline.queue_lost + pipeline.stored;
        let (mark_ns, mark) = self.mark;
        if arrived >= pipeline.before_start + mark {
            self.settled_ns = mark_ns;
            self.mark = (now_ns, written);
        }
        self.settled_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_settled_when_all_that_was_written_by_then_has_arrived() {
        let mut settled = Settled::default();
        let reading = |malformed, queue_lost, stored| PipelineReading {
            before_start: 3,
            malformed,
            queue_lost,
            stored,
            ..PipelineReading::default()
        };
        for (reading, written, now_ns, expect) in [
            (reading(0, 0, 3), 10, 100, 0),
            (reading(0, 0, 12), 20, 200, 0),
            (reading(1, 1, 11), 30, 300, 100),
            (reading(1, 1, 30), 40, 400, 100),
            (reading(1, 1, 31), 40, 500, 300),
        ] {
            assert_eq!(
                settled.advance(&reading, written, now_ns),
                expect,
                "{now_ns}"
            );
        }
    }
}
