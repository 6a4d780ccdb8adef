//! A version of metadata as it is written down, so that a later observer can read records of this one.

use flow::metadata::{MetadataContent, MetadataKind, Workload};
use policy::{LabelError, LabelSet};
use serde::{Deserialize, Serialize};

use super::history::PREFIX_KEY;

/// What an index stands for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetadataEntry {
    /// The thing that is described.
    pub(super) key: String,
    /// Since when, nanoseconds since 1970.
    pub(super) from_ns: u64,
    endpoint: u32,
    identity: u32,
    labels: Vec<String>,
    namespace: String,
    pod: String,
    /// Kind and name of each.
    workloads: Vec<(String, String)>,
    cluster: String,
}

impl MetadataEntry {
    pub(super) fn new(key: &str, from_ns: u64, content: &MetadataContent) -> Self {
        let workloads = content.workloads.iter();
        Self {
            key: key.to_owned(),
            from_ns,
            endpoint: content.endpoint_id,
            identity: content.identity,
            labels: content.labels.iter().map(ToString::to_string).collect(),
            namespace: content.namespace.clone(),
            pod: content.pod_name.clone(),
            workloads: workloads
                .map(|workload| (workload.kind.clone(), workload.name.clone()))
                .collect(),
            cluster: content.cluster_name.clone(),
        }
    }

    /// As JSON.
    pub(super) fn value(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("texts and numbers are always JSON")
    }

    pub(super) fn read(value: &serde_json::Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(value)
    }

    pub(super) fn content(&self) -> Result<MetadataContent, LabelError> {
        let workloads = self.workloads.iter();
        Ok(MetadataContent {
            kind: if self.key.starts_with(PREFIX_KEY) {
                MetadataKind::Cidr
            } else {
                MetadataKind::Endpoint
            },
            endpoint_id: self.endpoint,
            identity: self.identity,
            labels: LabelSet::parse(&self.labels)?,
            namespace: self.namespace.clone(),
            pod_name: self.pod.clone(),
            workloads: workloads
                .map(|(kind, name)| Workload {
                    kind: kind.clone(),
                    name: name.clone(),
                })
                .collect(),
            cluster_name: self.cluster.clone(),
        })
    }
}
