//! The last known state in a file of the node, so that an observer that starts while etcd is away goes on with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::model::{EndpointEntry, IdentityEntry, NodeEntry, PolicyEntry, ServiceEntry};
use super::state::ClusterState;

/// The file, in the directory that is given.
const FILE: &str = "registry-state.json";

/// Bytes that are read at most.
const MAX_BYTES: u64 = 1 << 30;

/// The file, and which cluster its content is of.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    cluster_id: Mutex<Option<String>>,
}

/// As it is written. Who uses what is not kept: it has changed by the time it is read.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    cluster_id: String,
    revision: u64,
    nodes: Vec<Arc<NodeEntry>>,
    endpoints: Vec<Arc<EndpointEntry>>,
    identities: Vec<Arc<IdentityEntry>>,
    policies: Vec<Arc<PolicyEntry>>,
    services: Vec<Arc<ServiceEntry>>,
}

impl Kept {
    /// The file in `directory`.
    pub(super) fn in_directory(directory: &Path) -> Self {
        Self {
            path: directory.join(FILE),
            cluster_id: Mutex::new(None),
        }
    }

    /// What is written is of this cluster from now on.
    pub(super) fn set_cluster_id(&self, id: String) {
        *self
            .cluster_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(id);
    }

    /// What an earlier process has kept of the cluster `id`; nothing if it has not, or cannot be read.
    pub(super) fn read(&self, id: Option<&str>) -> ClusterState {
        let content = match self.try_read() {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return ClusterState::default();
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the kept state of the registry cannot be read");
                return ClusterState::default();
            }
        };
        if id != Some(content.cluster_id.as_str()) {
            return ClusterState::default();
        }
        self.set_cluster_id(content.cluster_id.clone());
        content.into_state()
    }

    fn try_read(&self) -> io::Result<Content> {
        let bytes = fs::metadata(&self.path)?.len();
        if bytes > MAX_BYTES {
            return Err(io::Error::other(format!("it has {bytes} bytes")));
        }
        Ok(serde_json::from_slice(&fs::read(&self.path)?)?)
    }

    /// Writes a state down, if it is known of which cluster it is. Whether that works is only told: the state is a
    /// help, nothing hangs on it.
    pub(super) async fn write(&self, state: Arc<ClusterState>) {
        let id = self
            .cluster_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(id) = id.filter(|_| state.revision > 0) else {
            return;
        };
        let path = self.path.clone();
        let written = spawn_blocking(move || write(&path, &Content::of(&state, id))).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(path = %self.path.display(), %error, "the state of the registry cannot be kept");
        }
    }
}

/// A temporary file takes the place of the old one: either is whole at any time.
fn write(path: &Path, content: &Content) -> io::Result<()> {
    let temporary = path.with_extension("new");
    fs::write(&temporary, serde_json::to_vec(content)?)?;
    fs::rename(&temporary, path)
}

impl Content {
    fn of(state: &ClusterState, cluster_id: String) -> Self {
        Self {
            cluster_id,
            revision: state.revision,
            nodes: state.nodes.values().cloned().collect(),
            endpoints: state.endpoints.values().cloned().collect(),
            identities: state.identities.values().cloned().collect(),
            policies: state.policies.values().cloned().collect(),
            services: state.services.values().cloned().collect(),
        }
    }

    fn into_state(self) -> ClusterState {
        let identities = self.identities.into_iter();
        let identities: Vec<_> = identities.map(|entry| (entry.identity, entry)).collect();
        let identity_of = identities
            .iter()
            .map(|(identity, entry)| (entry.labels.clone(), *identity));
        let nodes = self.nodes.into_iter();
        let endpoints = self.endpoints.into_iter();
        let policies = self.policies.into_iter();
        let services = self.services.into_iter();
        ClusterState {
            revision: self.revision,
            identity_of: Arc::new(identity_of.collect()),
            identities: Arc::new(identities.into_iter().collect()),
            users: Arc::default(),
            nodes: Arc::new(
                nodes
                    .map(|node| (node.name.as_str().into(), node))
                    .collect(),
            ),
            endpoints: Arc::new(endpoints.map(|entry| (entry.key(), entry)).collect()),
            policies: Arc::new(
                policies
                    .map(|entry| (entry.name.as_str().into(), entry))
                    .collect(),
            ),
            services: Arc::new(services.map(|entry| (entry.key(), entry)).collect()),
        }
    }
}
