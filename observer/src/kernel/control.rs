//! The control thread: the one owner of the datapath. It follows the inputs, keeps the maps as desired, and sweeps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bpf_loader::{LoaderError, Pins};
use flow::interfaces::InterfaceTable;
use policy::RepositoryError;
use registry::directory::{DirectorySource, Manifest};
use registry::endpoint_file::FileSource;
use registry::watch::{Snapshot, Source};
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::open::Kernel;
use super::reconcile::{ReconcileError, Reconciler};
use crate::desired::{BookError, Desired, Planner};

/// Between two sweeps of connections, and two looks at the interfaces.
const TICK: Duration = Duration::from_secs(1);

/// Between two looks for idle edges.
const RECLAIM: Duration = Duration::from_secs(60);

/// An edge that has not changed for this long, and that no connection holds, gives its slot back.
const EDGE_IDLE: Duration = Duration::from_secs(15 * 60);

/// Between two looks at inputs and cancellation.
const LOOK: Duration = Duration::from_millis(50);

/// Why the maps are not as desired.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// A number could not be given.
    #[error("cannot give numbers")]
    Book(#[from] BookError),
    /// A policy is wrong.
    #[error("the policies cannot be used, the last good state stays")]
    Policies(#[from] RepositoryError),
    /// Some map or interface refused.
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    /// The sweep failed.
    #[error("cannot sweep connections")]
    Sweep(#[source] LoaderError),
    /// The pins could not be removed.
    #[error("cannot take the programs off")]
    Detach(#[source] LoaderError),
}

/// What is followed.
pub(crate) struct Inputs {
    /// The endpoint file.
    pub(crate) endpoints: Receiver<Snapshot<FileSource>>,
    /// The policy directory, if there is one.
    pub(crate) policies: Option<Receiver<Snapshot<DirectorySource>>>,
}

/// The state of the thread.
pub(crate) struct Control {
    reconciler: Reconciler,
    planner: Planner,
    desired: Desired,
    inputs: Inputs,
    account: Arc<Account>,
    pins: Option<Pins>,
    reclaimed: Instant,
    /// Inputs came that the maps do not say yet; it stays so until everything that they need has worked.
    due: bool,
    /// The last error logged, so that a lasting one is logged once.
    complaint: Option<String>,
}

impl Control {
    /// Takes over the datapath and makes its maps say what the planner wants.
    ///
    /// # Errors
    /// When numbers cannot be given or maps cannot be written. An endpoint whose interface is missing is no error.
    pub(crate) fn start(
        kernel: Kernel,
        mut planner: Planner,
        inputs: Inputs,
        namespace: Option<std::path::PathBuf>,
        interfaces: Arc<InterfaceTable>,
    ) -> Result<(Self, Drainable), ControlError> {
        let Kernel {
            datapath,
            ring,
            base,
            account,
            pins,
        } = kernel;
        let counters = datapath.counters.clone();
        let mut reconciler = Reconciler::new(datapath, namespace, interfaces)?;
        let mut desired = Desired::default();
        for step in planner.desired()? {
            reconciler.apply(&step, true)?;
            planner.applied(&step)?;
            desired = step;
        }
        let control = Self {
            reconciler,
            planner,
            desired,
            inputs,
            account,
            pins: pins.map(Pins::at),
            reclaimed: Instant::now(),
            due: false,
            complaint: None,
        };
        let drainable = Drainable {
            ring,
            base,
            counters,
        };
        Ok((control, drainable))
    }

    /// Works until it is cancelled. With `detach` the programs are taken off at the end.
    pub(crate) fn run(mut self, cancel: &CancellationToken, detach: bool) {
        let mut next_tick = Instant::now();
        while !cancel.is_cancelled() {
            let changed = self.take_inputs();
            self.due |= changed;
            if changed || Instant::now() >= next_tick {
                let result = self.tick();
                self.complain(result);
                next_tick = Instant::now() + TICK;
            }
            std::thread::sleep(LOOK);
        }
        if detach {
            let result = self.detach();
            self.complain(result);
        }
    }

    /// Takes newer inputs; whether there were any.
    fn take_inputs(&mut self) -> bool {
        let mut changed = false;
        if let Some(endpoints) = newer(&mut self.inputs.endpoints, "the endpoint file") {
            match self.planner.set_endpoints(endpoints) {
                Ok(()) => changed = true,
                Err(error) => tracing::error!("the endpoint file cannot be used: {error}"),
            }
        }
        let policies = self.inputs.policies.as_mut();
        if let Some(manifests) = policies.and_then(|policies| newer(policies, "the policies")) {
            changed |= self.take_policies(&manifests);
        }
        changed
    }

    fn take_policies(&mut self, manifests: &[Manifest]) -> bool {
        match self.planner.set_policies(manifests) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(
                    "the policies cannot be used, the last good state stays: {}",
                    chain(&error)
                );
                false
            }
        }
    }

    /// Connections are swept whatever the maps refuse: what they owe is told, and the old ones go.
    fn tick(&mut self) -> Result<(), ControlError> {
        let reconciled = self.reconcile();
        let swept = self.sweep().map_err(ControlError::Sweep);
        reconciled.and(swept)
    }

    fn reconcile(&mut self) -> Result<(), ControlError> {
        if !self.due {
            return Ok(self.reconciler.apply(&self.desired, false)?);
        }
        for step in self.planner.desired()? {
            self.desired = step;
            self.reconciler.apply(&self.desired, true)?;
            self.planner.applied(&self.desired)?;
        }
        self.due = false;
        Ok(())
    }

    fn sweep(&mut self) -> Result<(), LoaderError> {
        let sweep = self.reconciler.sweep()?;
        self.account.swept(&sweep);
        if self.reclaimed.elapsed() >= RECLAIM {
            self.reclaimed = Instant::now();
            let freed = self.reconciler.reclaim(EDGE_IDLE)?;
            if freed > 0 {
                tracing::debug!(freed, "idle edges gave their slots back");
            }
        }
        Ok(())
    }

    fn detach(&mut self) -> Result<(), ControlError> {
        self.reconciler.detach_all().map_err(ControlError::Detach)?;
        if let Some(pins) = &self.pins {
            pins.remove().map_err(ControlError::Detach)?;
        }
        tracing::info!("the programs are taken off");
        Ok(())
    }

    fn complain(&mut self, result: Result<(), ControlError>) {
        let Err(error) = result else {
            self.complaint = None;
            return;
        };
        let text = chain(&error);
        if self.complaint.as_ref() != Some(&text) {
            tracing::error!("{text}; trying again every second");
            self.complaint = Some(text);
        }
    }
}

/// What the drain thread needs.
pub(crate) struct Drainable {
    pub(crate) ring: bpf_loader::ring::EventRing,
    pub(crate) base: super::base::Base,
    pub(crate) counters: bpf_loader::counters::Counters,
}

/// The newest good state, if it is newer than what was seen; a problem is logged once.
fn newer<S: Source>(receiver: &mut Receiver<Snapshot<S>>, what: &str) -> Option<Arc<S::State>> {
    if !receiver.has_changed().unwrap_or(false) {
        return None;
    }
    let snapshot = receiver.borrow_and_update().clone();
    if let Some(problem) = snapshot.problem {
        tracing::error!(
            "{what} cannot be used, the last good state stays: {}",
            chain(&*problem)
        );
        return None;
    }
    snapshot.good
}

/// An error with all its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
