//! The peers: who they are, as flags, a file, the registry and other nodes tell, and a connection to each.

mod connection;
mod file;
mod nodes_of_registry;
mod notify;
mod spec;
mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use daemon::tasks::Tasks;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use file::PeersFileError;
pub use spec::{Origin, PeerSpec, qualified};
pub use state::{Connection, Peer, PeerState, PeerView};

use crate::config::Config;
use crate::error::RelayError;
use connection::Shared;

/// The peers of all sources, by name: what the relay reads.
#[derive(Debug)]
pub struct Board {
    peers: RwLock<Arc<Vec<Arc<Peer>>>>,
    problems: RwLock<BTreeMap<Origin, String>>,
    changes: watch::Sender<u64>,
}

impl Board {
    fn new() -> Self {
        Self {
            peers: RwLock::default(),
            problems: RwLock::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// The peers, by name.
    #[must_use]
    pub fn peers(&self) -> Arc<Vec<Arc<Peer>>> {
        Arc::clone(&self.peers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is wrong with a source of peers: what it said before holds.
    #[must_use]
    pub fn problems(&self) -> BTreeMap<Origin, String> {
        let problems = self.problems.read();
        problems.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sees a change of the list, of whether a peer can be asked, of its clock, or of what is wrong with a source.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes.send_modify(|change| *change += 1);
    }

    fn set_problem(&self, origin: Origin, problem: Option<String>) {
        let mut problems = self
            .problems
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let before = match &problem {
            Some(problem) => problems.insert(origin, problem.clone()),
            None => problems.remove(&origin),
        };
        drop(problems);
        if before != problem {
            self.changed();
        }
    }

    fn set(&self, peers: Vec<Arc<Peer>>) {
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(peers);
        self.changed();
    }
}

/// Follows all sources and keeps a connection to each peer, until `tasks` are cancelled.
pub(crate) fn start(config: &Config, epoch: u64, tasks: &Tasks) -> Result<Arc<Board>, RelayError> {
    let board = Arc::new(Board::new());
    let named = config.peers.iter();
    let flags = named
        .map(|peer| PeerSpec::named(peer, Origin::Flag))
        .collect();
    let mut sources = vec![watch::channel(flags).1];
    if let Some(path) = &config.peers_file {
        sources.push(file::follow(path, &board, tasks)?);
    }
    if let Some(settings) = &config.registry {
        sources.push(nodes_of_registry::follow(settings.clone(), tasks)?);
    }
    if let Some(address) = &config.peer_service {
        sources.push(notify::follow(
            address.clone(),
            config.peer_tls.clone(),
            tasks,
        ));
    }
    let keeper = Keeper {
        shared: Shared {
            board: Arc::clone(&board),
            tls: config.peer_tls.clone(),
            epoch,
        },
        sources,
        kept: BTreeMap::new(),
        tasks: tasks.clone(),
    };
    tasks.spawn("peers", keeper.run(tasks.cancellation()));
    Ok(board)
}

/// What a source says now.
type Specs = watch::Receiver<Vec<PeerSpec>>;

/// The owner of the list of peers.
struct Keeper {
    shared: Shared,
    sources: Vec<Specs>,
    /// By name.
    kept: BTreeMap<String, (Arc<Peer>, CancellationToken)>,
    tasks: Tasks,
}

impl Keeper {
    async fn run(mut self, cancel: CancellationToken) {
        loop {
            self.take();
            let changed = self
                .sources
                .iter_mut()
                .map(|source| Box::pin(changed(source)));
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = futures_util::future::select_all(changed) => {}
            }
        }
    }

    /// Makes the list what the sources say now. A peer that is told as before stays connected.
    fn take(&mut self) {
        let mut wanted: BTreeMap<String, PeerSpec> = BTreeMap::new();
        for source in &mut self.sources {
            for spec in source.borrow_and_update().iter() {
                wanted
                    .entry(spec.name.clone())
                    .or_insert_with(|| spec.clone());
            }
        }
        self.kept.retain(|name, (peer, stop)| {
            let stays = wanted.get(name) == Some(&peer.spec);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for (name, spec) in wanted {
            if self.kept.contains_key(&name) {
                continue;
            }
            let peer = Arc::new(Peer::new(spec));
            let stop = self.tasks.cancellation().child_token();
            let work = connection::keep(Arc::clone(&peer), self.shared.clone(), stop.clone());
            self.tasks.spawn(format!("peer {name}"), work);
            self.kept.insert(name, (peer, stop));
        }
        let peers = self.kept.values().map(|(peer, _)| Arc::clone(peer));
        self.shared.board.set(peers.collect());
    }
}

/// Waits for a change; a source that has ended stays as it is.
async fn changed(source: &mut Specs) {
    if source.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Whether there is anything that tells of peers.
pub(crate) fn has_source(config: &Config) -> bool {
    !config.peers.is_empty()
        || config.peers_file.is_some()
        || config.registry.is_some()
        || config.peer_service.is_some()
}
