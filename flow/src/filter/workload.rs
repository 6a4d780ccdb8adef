//! `source_workload`, `destination_workload`: an owner by name and kind; what is empty is any.

use super::metadata::MetadataTest;
use crate::metadata::MetadataContent;

/// Name and kind, empty for any.
#[derive(Debug)]
pub(super) struct WorkloadPattern {
    name: String,
    kind: String,
}

impl WorkloadPattern {
    pub(super) fn matches(&self, content: &MetadataContent) -> bool {
        let fits = |pattern: &str, text: &str| pattern.is_empty() || pattern == text;
        content
            .workloads
            .iter()
            .any(|workload| fits(&self.name, &workload.name) && fits(&self.kind, &workload.kind))
    }
}

pub(super) fn compile(workloads: &[proto::flow::Workload]) -> MetadataTest {
    let pattern = |workload: &proto::flow::Workload| WorkloadPattern {
        name: workload.name.clone(),
        kind: workload.kind.clone(),
    };
    MetadataTest::Workloads(workloads.iter().map(pattern).collect())
}
