//! `uuid`: flow references. What is not one of ours is no error: it is a flow of another observer.

use crate::reference::{Epoch, FlowReference};

/// Sequence numbers in this observer's store.
#[derive(Debug)]
pub(super) struct References(Vec<u64>);

impl References {
    pub(super) fn new(uuids: &[String], epoch: Epoch) -> Self {
        let ours = |text: &String| {
            text.parse()
                .ok()
                .filter(|reference: &FlowReference| reference.epoch == epoch)
        };
        Self(
            uuids
                .iter()
                .filter_map(ours)
                .map(|reference| reference.sequence)
                .collect(),
        )
    }

    /// Of 64 rows from `first` on, those that are wanted.
    pub(super) fn refine(&self, first: u64, mask: u64) -> u64 {
        let bit = |&sequence: &u64| {
            sequence
                .checked_sub(first)
                .filter(|&bit| bit < 64)
                .map(|bit| 1 << bit)
        };
        self.0
            .iter()
            .filter_map(bit)
            .fold(0, |bits, bit: u64| bits | bit)
            & mask
    }
}
