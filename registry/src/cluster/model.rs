//! What the registry holds, one type for each kind of entry. Each is stored as JSON.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use policy::{Identity, LabelSet};
use serde::{Deserialize, Serialize};

use super::label_texts;

/// A node with an observer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEntry {
    /// `cluster/node`, as it goes over the wire.
    pub name: String,
    /// Where its observer can be reached, `host:port`; `None` if from its own machine only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The name on its observer's certificate; `None` if it serves without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// The node's own addresses.
    #[serde(default)]
    pub ips: Vec<IpAddr>,
    /// When its observer started, in nanoseconds since 1970.
    pub started_ns: u64,
    /// One life of the observer: the same number as in its flow references. Another number under the same name is
    /// another observer.
    pub epoch: u64,
    /// The observer's version.
    #[serde(default)]
    pub version: String,
}

/// Which endpoint: unique in the cluster. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointKey {
    /// `cluster/node`.
    pub node: Arc<str>,
    /// `namespace/name`, or `name` without a namespace; unique on its node.
    pub name: Arc<str>,
}

/// An endpoint as the other nodes need to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointEntry {
    /// `cluster/node` on which it runs.
    pub node: String,
    /// Its name, which is also its pod's; unique in its namespace on its node.
    pub name: String,
    /// Its namespace, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// The number of its identity-relevant labels.
    #[serde(with = "label_texts::identity")]
    pub identity: Identity,
    /// All of its labels, those that make no identity included.
    #[serde(with = "label_texts::labels")]
    pub labels: LabelSet,
    /// The workload it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<WorkloadEntry>,
    /// Its named ports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, u16>,
    /// Whether its node enforces policy at its interface.
    pub managed: bool,
    /// Since when its node has it with these labels and this identity, in nanoseconds since 1970. Of two nodes that
    /// claim one address, the later has it.
    #[serde(default)]
    pub since_ns: u64,
}

impl EndpointEntry {
    /// `namespace/name`, or `name` without a namespace.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Its place in [`super::ClusterState::endpoints`].
    #[must_use]
    pub fn key(&self) -> EndpointKey {
        EndpointKey {
            node: self.node.as_str().into(),
            name: self.qualified_name().into(),
        }
    }
}

/// The workload an endpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadEntry {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// An identity: the number of a label set, the same on every node. Transactions compare it as it is written, so
/// another field would make it another value for older nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityEntry {
    /// The number.
    #[serde(with = "label_texts::identity")]
    pub identity: Identity,
    /// What it stands for.
    #[serde(with = "label_texts::labels")]
    pub labels: LabelSet,
}

/// A policy manifest that holds on every node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyEntry {
    /// The name it is kept under; unique.
    pub name: String,
    /// The manifest, one document or several.
    pub yaml: String,
    /// Where it was put from, for people: `host:/directory/file.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Which service: unique in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

/// A service: addresses that stand for the endpoints its selector matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEntry {
    /// Its namespace.
    pub namespace: String,
    /// Its name; unique in its namespace.
    pub name: String,
    /// Its own addresses.
    #[serde(default)]
    pub ips: Vec<IpAddr>,
    /// Its ports.
    #[serde(default)]
    pub ports: Vec<ServicePort>,
    /// Labels, without source, that its endpoints have, in its namespace. Empty: it selects none.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
}

impl ServiceEntry {
    /// Its place in [`super::ClusterState::services`].
    #[must_use]
    pub fn key(&self) -> ServiceKey {
        ServiceKey {
            namespace: self.namespace.as_str().into(),
            name: self.name.as_str().into(),
        }
    }
}

/// One port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicePort {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `TCP`, `UDP` or `SCTP`.
    #[serde(default = "tcp")]
    pub protocol: String,
    /// Where the service listens.
    pub port: u16,
    /// Where its endpoints listen; `None` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_port: Option<u16>,
}

fn tcp() -> String {
    "TCP".to_owned()
}
