//! One version of what is known about an endpoint, an identity or a range of addresses.

use std::sync::atomic::{AtomicU64, Ordering};

use policy::LabelSet;

use super::encoded::EncodedEndpoint;

/// What a version describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetadataKind {
    /// One workload with its addresses.
    #[default]
    Endpoint,
    /// An identity without a known endpoint.
    Identity,
    /// A reserved identity.
    Reserved,
    /// A range of addresses named by a policy.
    Cidr,
}

/// The owner of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Workload {
    /// `Deployment`, `DaemonSet`, ….
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Everything a flow says about one of its ends, but for the address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetadataContent {
    /// What is described.
    pub kind: MetadataKind,
    /// Number of the endpoint on its node, 0 if it is not one of ours.
    pub endpoint_id: u32,
    /// Security identity.
    pub identity: u32,
    /// All labels.
    pub labels: LabelSet,
    /// Namespace, empty outside of one.
    pub namespace: String,
    /// Pod or endpoint name.
    pub pod_name: String,
    /// Owners.
    pub workloads: Vec<Workload>,
    /// Cluster of the endpoint.
    pub cluster_name: String,
}

/// Content with its index, the time in which it held, and its protobuf form.
#[derive(Debug)]
pub struct MetadataVersion {
    index: u32,
    content: MetadataContent,
    from_ns: u64,
    until_ns: AtomicU64,
    encoded: EncodedEndpoint,
}

impl MetadataContent {
    /// The content as `flow.Endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> proto::flow::Endpoint {
        let workload = |workload: &Workload| proto::flow::Workload {
            name: workload.name.clone(),
            kind: workload.kind.clone(),
        };
        proto::flow::Endpoint {
            id: self.endpoint_id,
            identity: self.identity,
            namespace: self.namespace.clone(),
            labels: self.labels.iter().map(ToString::to_string).collect(),
            pod_name: self.pod_name.clone(),
            workloads: self.workloads.iter().map(workload).collect(),
            cluster_name: self.cluster_name.clone(),
        }
    }
}

impl TryFrom<&proto::flow::Endpoint> for MetadataContent {
    type Error = policy::LabelError;

    /// The content of an end as another node tells it. What kind of thing it is flows do not say.
    fn try_from(endpoint: &proto::flow::Endpoint) -> Result<Self, Self::Error> {
        let workload = |workload: &proto::flow::Workload| Workload {
            kind: workload.kind.clone(),
            name: workload.name.clone(),
        };
        Ok(Self {
            kind: MetadataKind::default(),
            endpoint_id: endpoint.id,
            identity: endpoint.identity,
            labels: LabelSet::parse(&endpoint.labels)?,
            namespace: endpoint.namespace.clone(),
            pod_name: endpoint.pod_name.clone(),
            workloads: endpoint.workloads.iter().map(workload).collect(),
            cluster_name: endpoint.cluster_name.clone(),
        })
    }
}

impl MetadataVersion {
    /// A version that holds from `from_ns` (wall time) on.
    #[must_use]
    pub fn new(index: u32, content: MetadataContent, from_ns: u64) -> Self {
        Self {
            index,
            encoded: EncodedEndpoint::new(content.endpoint()),
            content,
            from_ns,
            until_ns: AtomicU64::new(u64::MAX),
        }
    }

    /// The index that records carry.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// What held.
    #[must_use]
    pub fn content(&self) -> &MetadataContent {
        &self.content
    }

    /// Since when (wall time).
    #[must_use]
    pub fn from_ns(&self) -> u64 {
        self.from_ns
    }

    /// Until when (wall time); `None` while it holds.
    #[must_use]
    pub fn until_ns(&self) -> Option<u64> {
        Some(self.until_ns.load(Ordering::Relaxed)).filter(|&until_ns| until_ns != u64::MAX)
    }

    /// The encoded `flow.Endpoint`.
    #[must_use]
    pub fn endpoint_bytes(&self) -> Vec<u8> {
        self.encoded.bytes()
    }

    /// The encoded `flow.Endpoint`, and whose it is.
    pub(crate) fn encoded(&self) -> &EncodedEndpoint {
        &self.encoded
    }

    /// Ends the span, once.
    pub(super) fn close(&self, now_ns: u64) {
        let end = now_ns.min(u64::MAX - 1);
        let _already_closed =
            self.until_ns
                .compare_exchange(u64::MAX, end, Ordering::Relaxed, Ordering::Relaxed);
    }
}
