//! `reply`: by `is_reply`. Unknown counts as "no" only for what was dropped.

use bpf_events::record::VERDICT_DROPPED;

use crate::encode::is_reply;

#[derive(Debug)]
pub(super) struct Replies {
    yes: bool,
    no: bool,
}

impl Replies {
    pub(super) fn new(replies: &[bool]) -> Self {
        Self {
            yes: replies.contains(&true),
            no: replies.contains(&false),
        }
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64, event_word: u64) -> bool {
        let [_, _, _, _, _, verdict, kind, _] = ports_word.to_le_bytes();
        let [.., way] = event_word.to_le_bytes();
        match is_reply(kind, verdict, way >> 4) {
            Some(true) => self.yes,
            Some(false) => self.no,
            None => self.no && verdict == VERDICT_DROPPED,
        }
    }
}
