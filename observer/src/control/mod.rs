//! The control thread: follows the inputs, carries out commands, keeps the maps as desired, and publishes what holds.
//!
//! It is the one owner of all that changes. Everybody else reads what it publishes ([`Board`]) or leaves mail for it
//! ([`Mailbox`]).

mod agent_news;
mod api;
mod api_policies;
mod cluster;
mod command;
mod dry;
mod edges;
mod endpoint_state;
mod hits;
mod inputs;
mod mailbox;
mod maps;
mod publish;
mod registry_state;
mod snapshot;
mod unanswered;
mod warnings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use registry::endpoint_file::{EndpointFile, Mode};

use crate::desired::{BookError, Desired, Planner, Reclaimed};
use crate::node::Node;
use crate::pipeline::{Settled, wall_ns};
use agent_news::AgentNews;
use endpoint_state::Standing;
use warnings::Crossings;

pub(crate) use api::ApiState;
pub(crate) use cluster::{Cluster, NumbersGiven, Reachable};
pub(crate) use command::{
    AddEndpoint, Answer, Command, CommandError, ImportPolicies, LabelEndpoint,
};
pub(crate) use dry::DryMaps;
pub(crate) use hits::Hits;
pub(crate) use inputs::Inputs;
pub(crate) use mailbox::{Mailbox, NotTaken};
pub(crate) use maps::{
    CountedEdges, IpCacheChange, IpCacheNews, MapPressure, Maps, MapsError, Place, RuleTotal,
};
pub(crate) use snapshot::{Board, EndpointView, Snapshot};
pub(crate) use warnings::warnings;

/// Between two sweeps of connections; also how soon a look at the interfaces follows a change that nobody told.
const TICK: Duration = Duration::from_secs(1);

/// News of interfaces come in bursts: so long is waited for the rest of one.
const SETTLE: Duration = Duration::from_millis(10);

/// Between two looks for what is not used any more, unless identities rest for less.
const RECLAIM: Duration = Duration::from_secs(60);

/// An edge that has not changed for this long, and that no connection holds, gives its slot back.
const EDGE_IDLE: Duration = Duration::from_secs(15 * 60);

/// Between two readings of the hits that nobody asked for, and of the maps' pressure.
const READ_HITS: Duration = Duration::from_secs(2);

/// Edges that are younger are not read again, whoever asks.
const FRESH_EDGES: Duration = Duration::from_millis(100);

/// Hits that are younger are not read again, whoever asks.
const FRESH_HITS: Duration = Duration::from_millis(100);

/// Why the maps are not as desired.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// A number could not be given.
    #[error("cannot give numbers")]
    Book(#[from] BookError),
    /// Some map or interface refused.
    #[error("cannot bring the kernel's maps to what is wanted")]
    Maps(#[source] MapsError),
    /// The sweep failed.
    #[error("cannot sweep connections")]
    Sweep(#[source] MapsError),
    /// Counters or numbers in use could not be read.
    #[error("cannot read the kernel's maps")]
    Read(#[source] MapsError),
    /// The pins could not be removed.
    #[error("cannot take the programs off")]
    Detach(#[source] MapsError),
}

/// What the control thread begins with.
pub(crate) struct Start {
    /// The maps.
    pub(crate) maps: Box<dyn Maps>,
    /// The planner; it has every input already.
    pub(crate) planner: Planner,
    /// What is followed.
    pub(crate) inputs: Inputs,
    /// What the endpoint file said at the start.
    pub(crate) file: Arc<EndpointFile>,
    /// What the API has added.
    pub(crate) api: ApiState,
    /// The registry; the planner has what it says already.
    pub(crate) cluster: Cluster,
    /// Mode of endpoints that name none.
    pub(crate) mode: Mode,
    /// Whether traffic between the node and its own endpoints passes before policy.
    pub(crate) local_host_passes: bool,
    /// How long the number of an identity rests.
    pub(crate) identity_rest: Duration,
    /// Where to publish, and what flows are held.
    pub(crate) node: Arc<Node>,
}

/// The state of the thread.
pub(crate) struct Control {
    maps: Box<dyn Maps>,
    planner: Planner,
    desired: Desired,
    inputs: Inputs,
    refused: inputs::Refused,
    file: Arc<EndpointFile>,
    api: ApiState,
    cluster: Cluster,
    mode: Mode,
    local_host_passes: bool,
    node: Arc<Node>,
    board: Arc<Board>,
    mailbox: Mailbox,
    settled: Settled,
    standings: BTreeMap<String, Standing>,
    problems: snapshot::Problems,
    crossings: Crossings,
    news: AgentNews,
    unanswered: Vec<unanswered::Unanswered>,
    reclaimed: Instant,
    reclaim_every: Duration,
    hits_read: Option<Instant>,
    edges_read: Option<Instant>,
    /// Inputs came that the maps do not say yet; it stays so until everything that they need has worked.
    due: bool,
    /// Something is to be published whatever the endpoints say.
    unpublished: bool,
}

impl Control {
    /// Makes the maps say what the planner wants, and publishes it.
    ///
    /// # Errors
    /// When numbers cannot be given or maps cannot be written. An endpoint whose interface is missing is no error.
    pub(crate) fn start(start: Start) -> Result<Self, ControlError> {
        let node = &start.node;
        let news = AgentNews::new(
            Arc::clone(&node.agent_events),
            Arc::clone(&node.names.metadata),
            node.started_ns,
            node.clock_offset_ns,
        );
        let mut control = Self {
            news,
            maps: start.maps,
            planner: start.planner,
            desired: Desired::default(),
            inputs: start.inputs,
            refused: inputs::Refused::default(),
            file: start.file,
            api: start.api,
            cluster: start.cluster,
            mode: start.mode,
            local_host_passes: start.local_host_passes,
            board: Arc::clone(&start.node.board),
            node: start.node,
            mailbox: Mailbox::default(),
            settled: Settled::default(),
            standings: BTreeMap::new(),
            problems: snapshot::Problems::default(),
            crossings: Crossings::default(),
            unanswered: Vec::new(),
            reclaimed: Instant::now(),
            reclaim_every: start.identity_rest.clamp(TICK, RECLAIM),
            hits_read: None,
            edges_read: None,
            due: true,
            unpublished: true,
        };
        control.board.connect(control.mailbox.clone());
        control
            .board
            .publish_hits(Hits::new(control.maps.counted_since_ns()));
        control.take_cluster();
        control.reconcile()?;
        control.publish();
        let read = control.read_hits().and_then(|()| control.read_pressure());
        control.complain(read);
        Ok(control)
    }

    /// Where mail for this thread goes.
    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// What is followed.
    pub(crate) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The registry.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Works until the mailbox says that it is the end. With `detach` the programs are taken off then.
    pub(crate) fn run(mut self, detach: bool) {
        let mut next_tick = Instant::now();
        loop {
            let mut mail = self.mailbox.take(next_tick);
            if mail.links && !mail.stop {
                std::thread::sleep(SETTLE);
                mail.add(self.mailbox.take(Instant::now()));
            }
            if mail.stop {
                break;
            }
            if mail.inputs {
                self.due |= self.take_inputs();
                self.due |= self.take_cluster();
            }
            self.take_numbers(mail.numbers);
            let tick = Instant::now() >= next_tick;
            if tick {
                next_tick = Instant::now() + TICK;
                self.due |= self.planner.has_leftovers();
            }
            if self.due || mail.links || tick {
                let result = self.reconcile();
                self.complain(result);
            }
            self.publish();
            self.answer_numbered();
            for command in mail.commands {
                self.carry_out(command);
            }
            if tick {
                // Connections are swept whatever the maps refuse: what they owe is told, and the old ones go.
                self.tick();
            }
        }
        if detach && let Err(error) = self.maps.detach().map_err(ControlError::Detach) {
            tracing::error!("{}", chain(&error));
        }
    }

    /// Plans anew if inputs came, and looks whether the maps and interfaces are as planned.
    fn reconcile(&mut self) -> Result<(), ControlError> {
        if !self.due {
            return self.apply(false);
        }
        let steps = self.planner.desired()?;
        self.want_numbers();
        let forgotten = self.planner.take_forgotten();
        if !forgotten.is_empty() {
            let forgotten = self.maps.forget_numbers(&[], &forgotten);
            forgotten.map_err(ControlError::Maps)?;
        }
        for step in steps {
            self.unpublished = true;
            self.desired = step;
            self.apply(true)?;
            self.planner.applied(&self.desired)?;
            self.news.applied(&self.desired, &self.planner.view());
        }
        self.due = false;
        Ok(())
    }

    fn apply(&mut self, new: bool) -> Result<(), ControlError> {
        let result = self.maps.apply(&self.desired, new);
        // What was written before something failed is written.
        self.news.ip_cache(self.maps.take_ip_cache_news());
        result.map_err(ControlError::Maps)
    }

    fn tick(&mut self) {
        if let Err(error) = self.maps.sweep().map_err(ControlError::Sweep) {
            self.complain(Err(error));
        }
        if self
            .hits_read
            .is_none_or(|read| read.elapsed() >= READ_HITS)
        {
            let read = self.read_hits().and_then(|()| self.read_pressure());
            if read.is_err() {
                self.complain(read);
            }
        }
        if self.node.edges.is_followed() {
            let read = self.read_edges().map(drop);
            if read.is_err() {
                self.complain(read);
            }
        }
        if self.reclaimed.elapsed() >= self.reclaim_every {
            self.reclaimed = Instant::now();
            let reclaimed = self.reclaim();
            if reclaimed.is_err() {
                self.complain(reclaimed);
            }
        }
    }

    fn reclaim(&mut self) -> Result<(), ControlError> {
        let freed = self
            .maps
            .reclaim_edges(EDGE_IDLE)
            .map_err(ControlError::Read)?;
        if freed > 0 {
            tracing::debug!(freed, "idle edges gave their slots back");
        }
        let in_use = self.maps.in_use().map_err(ControlError::Read)?;
        let settled_ns = self.settled.look(&self.node, wall_ns());
        let stored = self.node.store.stored_numbers();
        let reclaimed = self.planner.reclaim(&in_use, &stored, settled_ns)?;
        if reclaimed != Reclaimed::default() {
            self.maps
                .forget_numbers(&reclaimed.rules, &reclaimed.identities)
                .map_err(ControlError::Read)?;
            tracing::debug!(?reclaimed, "numbers came back");
            self.want_numbers();
            self.unpublished = true;
        }
        Ok(())
    }

    fn read_hits(&mut self) -> Result<(), ControlError> {
        if self
            .hits_read
            .is_some_and(|read| read.elapsed() < FRESH_HITS)
        {
            return Ok(());
        }
        let totals = self.maps.rule_totals().map_err(ControlError::Read)?;
        self.hits_read = Some(Instant::now());
        let hits = self.board.hits().after(totals, wall_ns());
        self.board.publish_hits(hits);
        Ok(())
    }

    fn read_pressure(&mut self) -> Result<(), ControlError> {
        let pressure = self.maps.pressure().map_err(ControlError::Read)?;
        for warning in self.crossings.new_warnings(&pressure) {
            tracing::warn!("{warning}");
        }
        self.board.publish_maps(pressure);
        Ok(())
    }

    /// Remembers what is wrong with the maps, and logs what is new: a lasting error is logged once.
    fn complain(&mut self, result: Result<(), ControlError>) {
        let problem = result.err().map(|error| chain(&error));
        if self.problems.maps == problem {
            return;
        }
        if let Some(problem) = &problem {
            tracing::error!("{problem}; trying again every second");
        }
        self.problems.maps = problem;
        self.unpublished = true;
    }
}

impl Drop for Control {
    /// Whoever waits for an answer learns that none will come.
    fn drop(&mut self) {
        self.mailbox.stop();
    }
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
