//! The namespaces of the last hour's flows.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use flow::metadata::{MetadataTable, MetadataVersion};
use flow::store::Store;

/// How far back a namespace counts as seen.
pub(super) const SEEN: Duration = Duration::from_secs(3_600);

/// Cluster and namespace of every end of a flow since `since_ns`, sorted. Reads every row of that time.
pub(super) fn seen(
    store: &Store,
    metadata: &MetadataTable,
    since_ns: u64,
) -> BTreeSet<(String, String)> {
    let mut indexes = HashSet::new();
    for segment in store.segments() {
        if segment.youngest_ns() < since_ns {
            continue;
        }
        for row in (0..segment.len()).filter_map(|offset| segment.row(offset)) {
            if row.time_ns >= since_ns && !row.is_lost() {
                indexes.extend([row.source_metadata, row.destination_metadata]);
            }
        }
    }
    let name = |version: &MetadataVersion| {
        let content = version.content();
        let cluster = content.cluster_name.clone();
        (!content.namespace.is_empty()).then(|| (cluster, content.namespace.clone()))
    };
    indexes
        .into_iter()
        .filter_map(|index| name(&*metadata.version(index)?))
        .collect()
}
