//! The nodes of the registry as peers.

use std::sync::Arc;

use daemon::tasks::Tasks;
use registry::cluster::{ClusterState, Registry};

use super::Specs;
use super::spec::{Origin, PeerSpec};

/// Follows the registry's nodes.
pub(super) fn follow(registry: Arc<dyn Registry>, tasks: &Tasks) -> Specs {
    let mut states = registry.state();
    let first = specs(&states.borrow_and_update());
    let (sender, receiver) = tokio::sync::watch::channel(first);
    let cancel = tasks.cancellation();
    tasks.spawn("follow the registry's nodes", async move {
        let work = async {
            while states.changed().await.is_ok() {
                let now = specs(&states.borrow_and_update());
                sender.send_if_modified(|before| {
                    let changed = *before != now;
                    *before = now;
                    changed
                });
            }
            // The registry lives as long as whoever asks it.
            drop(registry);
        };
        cancel.run_until_cancelled(work).await;
    });
    receiver
}

fn specs(state: &ClusterState) -> Vec<PeerSpec> {
    let mut specs = Vec::with_capacity(state.nodes.len());
    for node in state.nodes.values() {
        // A node without an address can be reached from its own machine only.
        let Some(address) = &node.address else {
            continue;
        };
        match address.parse() {
            Ok(address) => specs.push(PeerSpec::told(
                &node.name,
                address,
                node.tls_server_name.clone(),
                Origin::Registry,
            )),
            Err(error) => {
                tracing::warn!(node = node.name, %error, "the registry has a node that cannot be a peer");
            }
        }
    }
    specs
}
