//! Opens the registry of a node, and asks for what has to be known before anything is planned.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use daemon::tasks::Tasks;
use futures_util::StreamExt as _;
use futures_util::stream;
use policy::LabelSet;
use registry::cluster::{Contact, Registry, first_contact};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::control::{NumbersGiven, chain};
use crate::error::ObserverError;

/// So long a start waits for the registry. What it has not said by then comes later.
const PATIENCE: Duration = Duration::from_secs(3);

/// Questions on their way at a time.
const AT_ONCE: usize = 64;

/// Opens the registry of the node `cluster/node`, and waits until it answers, or has not for a while. It is kept current
/// until `end`.
///
/// # Errors
/// When it is not that of this node's cluster.
pub(crate) async fn open(
    config: &Config,
    node_name: &str,
    tasks: &Tasks,
    end: CancellationToken,
) -> Result<Arc<dyn Registry>, ObserverError> {
    let settings = config.registry_settings(node_name);
    let (registry, driver) = registry::cluster::open(settings).map_err(ObserverError::Registry)?;
    tasks.spawn("registry", driver.run(end));
    let reached = first_contact(&*registry, PATIENCE).await;
    let health = registry.health();
    let contact = health.borrow().contact.clone();
    match (reached, contact) {
        (Err(_), Contact::Refused { error, .. }) => {
            return Err(ObserverError::Registry((*error).clone()));
        }
        (Err(error), _) => tracing::error!(
            error = %chain(&*error),
            "the registry does not answer: starting with what is known from before"
        ),
        (Ok(()), _) => tracing::info!(registry = %health.borrow().backend, "the registry answers"),
    }
    Ok(registry)
}

/// Says that nothing of this node remains.
pub(crate) async fn leave(registry: &dyn Registry) {
    match tokio::time::timeout(PATIENCE, registry.withdraw()).await {
        Ok(Ok(())) => tracing::info!("the registry knows that this node has left"),
        Ok(Err(error)) => tracing::warn!(
            error = %chain(&error),
            "the registry forgets this node when its lease ends"
        ),
        Err(_elapsed) => tracing::warn!("the registry forgets this node when its lease ends"),
    }
}

/// Asks for the numbers of label sets; whatever has no answer in time is asked for again later.
pub(crate) async fn first_numbers(
    registry: &dyn Registry,
    label_sets: BTreeSet<LabelSet>,
) -> NumbersGiven {
    let mut given = NumbersGiven::new();
    let asked = stream::iter(label_sets).map(async |labels| {
        let answer = registry.allocate(&labels).await;
        (labels, answer)
    });
    let answers = asked
        .buffer_unordered(AT_ONCE)
        .for_each(|(labels, answer)| {
            let answer = answer.map(|allocated| allocated.identity);
            given.insert(labels, answer.map_err(|error| chain(&error)));
            std::future::ready(())
        });
    if tokio::time::timeout(PATIENCE, answers).await.is_err() {
        tracing::error!("the registry takes long to give numbers: endpoints without one wait");
    }
    given
}
