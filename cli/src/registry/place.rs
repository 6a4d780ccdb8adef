//! Opening the registry for one command.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use daemon::tasks::Tasks;
use registry::cluster::{
    ClusterState, Contact, Registry, RegistryError, RegistrySettings, RegistryUrl, first_contact,
    open,
};
use tokio::time::timeout;

use super::etcd_flags::{EtcdFlags, PasswordError};

/// The registry of an observer that was told of none.
const DEFAULT_REGISTRY: &str = "file:/run/tycho/registry";

/// How long a command waits for a registry that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the registry is.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PlaceFlags {
    /// What all nodes share: `file:/DIR` for the nodes of one machine, `etcd://HOST:PORT[,…][/PREFIX]`,
    /// `etcds://…` with TLS
    #[arg(
        long,
        value_name = "URL",
        env = "TYCHO_REGISTRY",
        hide_env_values = true,
        default_value = DEFAULT_REGISTRY,
        global = true
    )]
    registry: RegistryUrl,
    #[command(flatten)]
    etcd: EtcdFlags,
}

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// A setting cannot work.
    #[error(transparent)]
    Setting(#[from] RegistryError),
    /// The password cannot be read.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// It was not reached.
    #[error("{place} cannot be read")]
    Unreached {
        /// The registry.
        place: String,
        /// Why.
        #[source]
        source: Arc<RegistryError>,
    },
}

/// An open registry. Its task ends with it.
pub(super) struct Place {
    pub(super) registry: Arc<dyn Registry>,
    tasks: Tasks,
}

impl PlaceFlags {
    /// Opens it, and waits until it was read. `create`: also if it is a directory that is not there yet.
    pub(super) async fn open(self, create: bool) -> Result<Place, PlaceError> {
        // Each member of an etcd is tried once.
        let tries = match &self.registry {
            RegistryUrl::File(_) => 1,
            RegistryUrl::Etcd(url) => u32::try_from(url.members.len()).unwrap_or(1),
        };
        let settings = RegistrySettings {
            create,
            call_timeout: PATIENCE,
            ..RegistrySettings::new(self.registry)
        };
        let (registry, driver) = open(self.etcd.apply(settings)?)?;
        let tasks = Tasks::new();
        tasks.spawn("registry", driver.run(tasks.cancellation()));
        let place = Place { registry, tasks };
        drop(timeout(PATIENCE * tries, answer(&*place.registry, tries)).await);
        let reached = first_contact(&*place.registry, Duration::ZERO).await;
        reached.map_err(|source| PlaceError::Unreached {
            place: place.registry.health().borrow().backend.clone(),
            source,
        })?;
        let content = place.content();
        if create && content.cluster_id.is_none() {
            writeln!(
                io::stderr(),
                "note: no node was ever at {}: it is new, it was wiped, or its address or prefix is another",
                content.backend
            )
            .ok();
        }
        Ok(place)
    }
}

/// Waits until the registry was read, or was not at each of so many tries: what was away then stays away for a command.
async fn answer(registry: &dyn Registry, tries: u32) {
    let mut health = registry.health();
    let mut failed = 0;
    while failed < tries && health.changed().await.is_ok() {
        match health.borrow_and_update().contact {
            Contact::Starting => {}
            Contact::Away { .. } => failed += 1,
            Contact::Connected { .. } | Contact::Refused { .. } => return,
        }
    }
}

/// What a registry is and has, at one moment.
pub(super) struct Content {
    pub(super) backend: String,
    /// `None` if no node has ever been there.
    pub(super) cluster_id: Option<String>,
    pub(super) state: Arc<ClusterState>,
    /// Entries that cannot be understood and are left out, and one of them.
    pub(super) ignored: u64,
    pub(super) ignored_example: Option<String>,
}

impl Place {
    pub(super) fn content(&self) -> Content {
        let health = Arc::clone(&self.registry.health().borrow());
        Content {
            backend: health.backend.clone(),
            cluster_id: health.cluster_id.clone(),
            state: Arc::clone(&self.registry.state().borrow()),
            ignored: health.ignored,
            ignored_example: health.ignored_example.clone(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
    }
}
