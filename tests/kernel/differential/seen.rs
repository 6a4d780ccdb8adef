//! What happened in sequences, so that a test can prove that it saw everything often enough.

use std::collections::BTreeMap;

use bpf_events::record::{
    KIND_DROP, KIND_POLICY_VERDICT, MARK_FRAGMENT, MARK_MIDSTREAM, MARK_REJUDGED, MARK_SUMMARY,
    MARK_VLAN, REPLY_YES, TRACE_RELATED, VERDICT_AUDIT,
};

use super::flight::Flight;
use super::outcome::Outcome;

/// Everything that must have happened.
const SIGHTS: [&str; 15] = [
    "a packet passes and nothing is told",
    "a change",
    "a connection opens",
    "a connection opens in mid-stream",
    "a connection is judged anew",
    "a connection is revoked",
    "a reply is traced",
    "what went by before is summed up",
    "an error passes with its connection",
    "an error is judged for itself",
    "a fragment passes",
    "a later fragment without its first",
    "an alien source",
    "a verdict of audit",
    "a tagged packet",
];

/// How often each of it happened.
#[derive(Debug, Default)]
pub(super) struct Seen {
    sequences: usize,
    packets: usize,
    sights: BTreeMap<&'static str, usize>,
}

impl Seen {
    /// A sequence is over.
    pub(super) fn sequence(&mut self) {
        self.sequences += 1;
    }

    /// Something changed.
    pub(super) fn change(&mut self) {
        self.see("a change");
    }

    fn see(&mut self, sight: &'static str) {
        *self.sights.entry(sight).or_default() += 1;
    }

    /// A packet went through a hook.
    pub(super) fn outcome(&mut self, outcome: &Outcome, flight: &Flight) {
        self.packets += 1;
        if outcome.passes && outcome.events.is_empty() {
            self.see("a packet passes and nothing is told");
        }
        let mut opens = false;
        for event in &outcome.events {
            let marked = |mark: u8| event.marks & mark != 0;
            let rejudged = marked(MARK_REJUDGED);
            match (event.kind, event.reason) {
                (KIND_POLICY_VERDICT, _) if rejudged && outcome.passes => {
                    self.see("a connection is judged anew");
                }
                (KIND_POLICY_VERDICT, _) => opens = outcome.passes,
                (KIND_DROP, 132) => self.see("an alien source"),
                (KIND_DROP, 175) => self.see("a later fragment without its first"),
                (KIND_DROP, _) if rejudged => self.see("a connection is revoked"),
                _ => {}
            }
            let passes = outcome.passes;
            for (is_so, sight) in [
                (marked(MARK_MIDSTREAM), "a connection opens in mid-stream"),
                (marked(MARK_SUMMARY), "what went by before is summed up"),
                (marked(MARK_FRAGMENT) && passes, "a fragment passes"),
                (marked(MARK_VLAN), "a tagged packet"),
                (event.verdict == VERDICT_AUDIT, "a verdict of audit"),
                (event.reply == REPLY_YES, "a reply is traced"),
                (
                    event.trace_reason == TRACE_RELATED,
                    "an error passes with its connection",
                ),
            ] {
                if is_so {
                    self.see(sight);
                }
            }
        }
        if opens {
            self.see("a connection opens");
        }
        if flight.about.is_some()
            && outcome
                .events
                .iter()
                .any(|event| event.kind == KIND_POLICY_VERDICT)
        {
            self.see("an error is judged for itself");
        }
    }

    /// Fails if there were fewer sequences, or if something happened in less than one of a hundred.
    #[expect(
        clippy::print_stdout,
        reason = "how rare is rare is worth knowing before it fails"
    )]
    pub(super) fn check(&self, sequences: usize) {
        assert_eq!(self.sequences, sequences);
        let mut by_times =
            SIGHTS.map(|sight| (self.sights.get(sight).copied().unwrap_or_default(), sight));
        by_times.sort_unstable();
        println!(
            "{sequences} sequences, {} packets: {by_times:?}",
            self.packets
        );
        assert!(by_times[0].0 >= sequences / 100, "too rare: {by_times:?}");
    }
}
