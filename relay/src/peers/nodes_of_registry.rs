//! The nodes of the registry as peers.

use daemon::tasks::Tasks;
use registry::cluster::{ClusterState, RegistryError, RegistrySettings, open};

use super::Specs;
use super::spec::{Origin, PeerSpec};

/// Follows the registry's nodes. While the registry is away, those that it told last are the peers.
pub(super) fn follow(settings: RegistrySettings, tasks: &Tasks) -> Result<Specs, RegistryError> {
    let (registry, driver) = open(settings)?;
    tasks.spawn("registry", driver.run(tasks.cancellation()));
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
    Ok(receiver)
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
