//! Conditions on names and labels: a set of metadata indexes, so that a flow costs one bit lookup.

use std::sync::Arc;

use policy::Selector;

use super::Side;
use super::pod::PodPattern;
use super::workload::WorkloadPattern;
use crate::metadata::{MetadataContent, MetadataTable};

/// A condition on what is known of one end.
#[derive(Debug)]
pub(super) enum MetadataTest {
    Labels(Vec<Selector>),
    Pods(Vec<PodPattern>),
    Workloads(Vec<WorkloadPattern>),
    Clusters(Vec<String>),
}

impl MetadataTest {
    fn matches(&self, content: &MetadataContent) -> bool {
        match self {
            Self::Labels(selectors) => selectors
                .iter()
                .any(|selector| selector.matches(&content.labels)),
            Self::Pods(patterns) => patterns.iter().any(|pattern| pattern.matches(content)),
            Self::Workloads(patterns) => patterns.iter().any(|pattern| pattern.matches(content)),
            Self::Clusters(names) => names.contains(&content.cluster_name),
        }
    }
}

/// The indexes whose content meets all conditions on one end. Versions never change, so each is tested once.
#[derive(Debug)]
pub(super) struct MetadataSet {
    side: Side,
    tests: Vec<MetadataTest>,
    table: Arc<MetadataTable>,
    bits: Vec<u64>,
    /// Indexes below this one are in `bits`.
    known: u32,
    replaced: u64,
    /// The answer for an index that the table does not have.
    unknown: bool,
}

impl MetadataSet {
    pub(super) fn new(side: Side, tests: Vec<MetadataTest>, table: Arc<MetadataTable>) -> Self {
        let nothing = MetadataContent::default();
        let unknown = tests.iter().all(|test| test.matches(&nothing));
        let mut set = Self {
            side,
            tests,
            table,
            bits: Vec::new(),
            known: 0,
            replaced: 0,
            unknown,
        };
        set.prepare();
        set
    }

    /// Tests the versions that have come since.
    pub(super) fn prepare(&mut self) {
        let versions = self.table.versions();
        let replaced = versions.replaced();
        if replaced != self.replaced {
            self.replaced = replaced;
            self.known = 0;
            self.bits.clear();
        }
        let end = versions.end();
        if self.known == end {
            return;
        }
        let snapshot = versions.snapshot();
        self.bits.resize((end as usize).div_ceil(64), 0);
        for index in self.known..end {
            let matches = snapshot.get(index).map_or(self.unknown, |version| {
                self.tests
                    .iter()
                    .all(|test| test.matches(version.content()))
            });
            self.bits[index as usize / 64] |= u64::from(matches) << (index % 64);
        }
        self.known = end;
    }

    #[inline]
    pub(super) fn test(&self, metadata_word: u64) -> bool {
        let index = self.side.half(metadata_word);
        match self.bits.get(index as usize / 64) {
            Some(bits) if index < self.known => bits >> (index % 64) & 1 != 0,
            _ => self.unknown,
        }
    }
}
