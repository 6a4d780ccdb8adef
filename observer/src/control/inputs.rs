//! What the control thread follows, and what of it cannot be used.

use std::sync::Arc;

use registry::directory::{DirectorySource, Manifest};
use registry::endpoint_file::{EndpointFile, FileSource};
use registry::watch::{Snapshot, Source};
use tokio::sync::watch::Receiver;

use super::mailbox::Mailbox;
use super::{Control, chain};
use crate::label_filter_file::{self, LabelFilterSource};

/// What is followed.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The endpoint file.
    pub(crate) endpoints: Receiver<Snapshot<FileSource>>,
    /// The policy directory, if there is one.
    pub(crate) policies: Option<Receiver<Snapshot<DirectorySource>>>,
    /// The file of label patterns, if there is one.
    pub(crate) labels: Option<Receiver<Snapshot<LabelFilterSource>>>,
}

impl Inputs {
    /// Tells the mailbox of each change, for ever.
    pub(crate) fn tell(&self, mailbox: &Mailbox) -> impl Future<Output = ()> + Send + 'static {
        let endpoints = tell(self.endpoints.clone(), mailbox.clone());
        let policies = self.policies.clone();
        let policies = policies.map(|policies| tell(policies, mailbox.clone()));
        let labels = self.labels.clone();
        let labels = labels.map(|labels| tell(labels, mailbox.clone()));
        async move {
            let policies = futures_util::future::OptionFuture::from(policies);
            let labels = futures_util::future::OptionFuture::from(labels);
            futures_util::future::join3(endpoints, policies, labels).await;
        }
    }
}

async fn tell<S: Source>(mut receiver: Receiver<Snapshot<S>>, mailbox: Mailbox) {
    while receiver.changed().await.is_ok() {
        mailbox.inputs();
    }
}

/// Newest states that could not be used beside what others define; tried again when that changes.
#[derive(Debug, Default)]
pub(super) struct Refused {
    endpoints: Option<Arc<EndpointFile>>,
    policies: Option<Arc<Vec<Manifest>>>,
    /// The policies of the registry.
    pub(super) registry: Option<Vec<Manifest>>,
}

impl Control {
    /// Takes newer inputs; whether anything is to be planned anew.
    pub(super) fn take_inputs(&mut self) -> bool {
        let mut changed = false;
        match newer(&mut self.inputs.endpoints) {
            News::None => {}
            News::Good(file) => changed |= self.offer_endpoints(file),
            News::Problem(problem) => {
                self.refused.endpoints = None;
                self.problem(Input::Endpoints, Some(problem));
            }
        }
        match self.inputs.policies.as_mut().map_or(News::None, newer) {
            News::None => {}
            News::Good(manifests) => changed |= self.offer_policies(manifests),
            News::Problem(problem) => {
                self.refused.policies = None;
                self.problem(Input::Policies, Some(problem));
            }
        }
        match self.inputs.labels.as_mut().map_or(News::None, newer) {
            News::None => {}
            News::Good(filter) => {
                self.planner.set_label_filter((*filter).clone());
                label_filter_file::tell(&filter);
                self.problem(Input::Labels, None);
                changed = true;
            }
            News::Problem(problem) => self.problem(Input::Labels, Some(problem)),
        }
        changed
    }

    /// Tries again what could not be used before; whether anything is to be planned anew.
    pub(super) fn retry_refused(&mut self) -> bool {
        let endpoints = self.refused.endpoints.take();
        let policies = self.refused.policies.take();
        let registry = self.refused.registry.take();
        let mut changed = endpoints.is_some_and(|file| self.offer_endpoints(file));
        changed |= policies.is_some_and(|manifests| self.offer_policies(manifests));
        changed |= registry.is_some_and(|manifests| self.offer_registry_policies(manifests));
        changed
    }

    fn offer_endpoints(&mut self, file: Arc<EndpointFile>) -> bool {
        match self.planner.set_endpoints(Arc::clone(&file)) {
            Ok(()) => {
                self.file = file;
                self.problem(Input::Endpoints, None);
                true
            }
            Err(clash) => {
                self.refused.endpoints = Some(file);
                self.problem(Input::Endpoints, Some(clash.with_next_step()));
                false
            }
        }
    }

    fn offer_policies(&mut self, manifests: Arc<Vec<Manifest>>) -> bool {
        match self.planner.set_policies(&manifests) {
            Ok(()) => {
                self.problem(Input::Policies, None);
                true
            }
            Err(error) => {
                let problem = self.planner.policy_clash(&error);
                let problem = problem.unwrap_or_else(|| chain(&error));
                self.refused.policies = Some(manifests);
                self.problem(Input::Policies, Some(problem));
                false
            }
        }
    }

    /// Remembers what of the API is set aside, and logs what is new and what is over.
    pub(super) fn look_for_set_aside(&mut self) {
        let now = self.planner.set_aside();
        let before = &self.problems.set_aside;
        if *before == now {
            return;
        }
        for new in now.iter().filter(|one| !before.contains(one)) {
            tracing::warn!("{new}");
        }
        for gone in before.iter().filter(|one| !now.contains(one)) {
            tracing::info!("no longer so: {gone}");
        }
        self.problems.set_aside = now;
        self.unpublished = true;
    }

    /// Remembers what is wrong with an input, and logs what is new.
    pub(super) fn problem(&mut self, input: Input, problem: Option<String>) {
        let (place, what) = match input {
            Input::Endpoints => (&mut self.problems.endpoints, "the endpoint file"),
            Input::Policies => (&mut self.problems.policies, "the policies"),
            Input::Labels => (&mut self.problems.labels, "the label filter"),
            Input::Registry => (&mut self.problems.registry, "the policies of the registry"),
        };
        if *place == problem {
            return;
        }
        match &problem {
            Some(problem) => {
                tracing::error!("{what} cannot be used, the last good state stays: {problem}");
            }
            None => tracing::info!("{what} can be used again"),
        }
        *place = problem;
        self.unpublished = true;
    }
}

/// What is followed, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Endpoints,
    Policies,
    Labels,
    Registry,
}

enum News<T> {
    None,
    Good(Arc<T>),
    Problem(String),
}

/// What is newer than what was seen.
fn newer<S: Source>(receiver: &mut Receiver<Snapshot<S>>) -> News<S::State> {
    if !receiver.has_changed().unwrap_or(false) {
        return News::None;
    }
    let snapshot = receiver.borrow_and_update().clone();
    match (snapshot.problem, snapshot.good) {
        (Some(problem), _) => News::Problem(chain(&*problem)),
        (None, Some(good)) => News::Good(good),
        (None, None) => News::None,
    }
}
