//! `drop_reason_desc`: why it was dropped; matches nothing that was not.

use bpf_events::record::VERDICT_DROPPED;

#[derive(Debug)]
pub(super) struct DropReasons(Vec<i32>);

impl DropReasons {
    pub(super) fn new(reasons: &[i32]) -> Self {
        Self(reasons.to_vec())
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64, event_word: u64) -> bool {
        let [_, _, _, _, _, verdict, ..] = ports_word.to_le_bytes();
        let [reason, ..] = event_word.to_le_bytes();
        verdict == VERDICT_DROPPED && self.0.contains(&reason.into())
    }
}
