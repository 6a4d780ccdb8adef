//! Commands about endpoints: checked, kept beside the files, brought into force, or taken back as a whole.

use std::path::Path;
use std::sync::Arc;

use proto::tycho::v1::Enforcement;
use registry::api_store::{ApiStore, ApiStoreError};
use registry::directory::Manifest;
use registry::endpoint_file::{self, EndpointFile, EndpointSpec, labels};

use super::command::{AddEndpoint, Command, CommandError, LabelEndpoint};
use super::endpoint_state::{Seen, Standing};
use super::snapshot::EndpointView;
use super::{Control, chain};
use crate::desired::{Owner, Taken};
use crate::pipeline::wall_ns;

/// What the API has added.
#[derive(Debug)]
pub(crate) struct ApiState {
    /// Where it is kept.
    pub(super) store: ApiStore,
    /// Endpoints.
    pub(super) endpoints: Arc<EndpointFile>,
    /// Policies.
    pub(super) policies: Vec<Manifest>,
}

impl ApiState {
    /// What is kept, beside an endpoint file.
    pub(crate) fn read(store: ApiStore, beside: &EndpointFile) -> Result<Self, ApiStoreError> {
        Ok(Self {
            endpoints: Arc::new(store.endpoints(beside)?),
            policies: store.policies()?,
            store,
        })
    }

    /// The endpoints.
    pub(crate) fn endpoints(&self) -> &Arc<EndpointFile> {
        &self.endpoints
    }

    /// The policies.
    pub(crate) fn policies(&self) -> &[Manifest] {
        &self.policies
    }
}

impl Control {
    /// Carries out one command and answers it. Whoever asked may be gone by then; the change stays.
    pub(super) fn carry_out(&mut self, command: Command) {
        match command {
            Command::AddEndpoint(add, answer) => {
                let added = self.add_endpoint(add);
                self.answer(added, answer);
            }
            Command::RemoveEndpoint(name, answer) => drop(answer.send(self.remove_endpoint(&name))),
            Command::LabelEndpoint(label, answer) => {
                let labelled = self.label_endpoint(label);
                self.answer(labelled, answer);
            }
            Command::ImportPolicies(import, answer) => {
                drop(answer.send(self.import_policies(&import)));
            }
            Command::DeletePolicy(name, answer) => drop(answer.send(self.delete_policy(&name))),
            Command::ReadEdges(answer) => {
                let read = self.read_edges();
                let read = read.map_err(|error| CommandError::Failed(chain(&error)));
                drop(answer.send(read));
            }
            Command::CountHits(answer) => {
                let read = self.read_hits();
                let read = read.map_err(|error| CommandError::Failed(chain(&error)));
                drop(answer.send(read));
            }
        }
    }

    fn add_endpoint(&mut self, add: AddEndpoint) -> Result<EndpointView, CommandError> {
        let spec = endpoint_file::parse_endpoint(Path::new("endpoint"), &add.text)
            .map_err(|error| CommandError::Invalid(error.to_string()))?;
        let name = spec.qualified_name();
        self.refuse_taken_endpoint(&spec)?;
        let mut endpoints = EndpointFile::clone(&self.api.endpoints);
        add_namespace_labels(&mut endpoints, &spec, &self.file, add.namespace_labels)?;
        endpoints.endpoints.push(spec);
        // It is right for itself: what is wrong now is something that another endpoint has.
        let checked = self
            .api
            .store
            .check(&endpoints)
            .map_err(|error| CommandError::Taken(error.to_string()))?;
        self.change_endpoints(checked)?;
        self.published(&name)
    }

    fn remove_endpoint(&mut self, name: &str) -> Result<EndpointView, CommandError> {
        let own = self.own_endpoint(name, "remove it there")?;
        let before = match self.planner.endpoint_set_aside(name) {
            Some(reason) => self.unused(own, reason),
            None => self.published(name)?,
        };
        let mut endpoints = EndpointFile::clone(&self.api.endpoints);
        endpoints
            .endpoints
            .retain(|spec| spec.qualified_name() != name);
        let used = |namespace: &String| {
            let mut specs = endpoints.endpoints.iter();
            specs.any(|spec| spec.namespace.as_ref() == Some(namespace))
        };
        let namespaces = endpoints.namespaces.clone();
        endpoints.namespaces = namespaces
            .into_iter()
            .filter(|(namespace, _)| used(namespace))
            .collect();
        self.change_endpoints(endpoints)?;
        Ok(before)
    }

    fn label_endpoint(&mut self, label: LabelEndpoint) -> Result<EndpointView, CommandError> {
        self.own_endpoint(&label.name, "change `labels:` there")?;
        if let Some(reason) = self.planner.endpoint_set_aside(&label.name) {
            return Err(CommandError::OfFile(format!(
                "endpoint `{}` of the API is not in use: {reason}",
                label.name
            )));
        }
        let mut endpoints = EndpointFile::clone(&self.api.endpoints);
        for spec in &mut endpoints.endpoints {
            if spec.qualified_name() == label.name {
                for key in &label.remove {
                    if spec.labels.remove(key).is_none() {
                        let there: Vec<&str> = spec.labels.keys().map(String::as_str).collect();
                        return Err(CommandError::Invalid(format!(
                            "remove: `{}` has no label `{key}`; it has {}",
                            label.name,
                            there.join(", ")
                        )));
                    }
                }
                spec.labels.extend(label.set.clone());
            }
        }
        let checked = self
            .api
            .store
            .check(&endpoints)
            .map_err(|error| CommandError::Invalid(error.to_string()))?;
        self.change_endpoints(checked)?;
        self.published(&label.name)
    }

    /// Who has what a new endpoint would have; its own line is in no file yet.
    fn refuse_taken_endpoint(&self, spec: &EndpointSpec) -> Result<(), CommandError> {
        for (file, how) in [
            (&self.file, "defined by"),
            (&self.api.endpoints, "added through the API, see"),
        ] {
            if let Some((what, other)) = Taken::by(file).of(spec) {
                return Err(CommandError::Taken(format!(
                    "{what} is already that of endpoint `{}`, {how} {}:{}",
                    other.qualified_name(),
                    file.path.display(),
                    other.line
                )));
            }
        }
        Ok(())
    }

    /// An endpoint that the API may change.
    fn own_endpoint(&self, name: &str, next: &str) -> Result<EndpointSpec, CommandError> {
        let is_it = |spec: &&EndpointSpec| spec.qualified_name() == name;
        if let Some(own) = self.api.endpoints.endpoints.iter().find(is_it) {
            return Ok(own.clone());
        }
        match self.file.endpoints.iter().find(is_it) {
            Some(spec) => Err(CommandError::OfFile(format!(
                "endpoint `{name}` is defined by {}:{}: {next}",
                self.file.path.display(),
                spec.line
            ))),
            None => Err(CommandError::NotFound(format!(
                "there is no endpoint `{name}`; `tycho endpoint list` shows those there are"
            ))),
        }
    }

    /// Keeps these endpoints and brings them into force, or leaves everything as it was.
    fn change_endpoints(&mut self, endpoints: EndpointFile) -> Result<(), CommandError> {
        let endpoints = Arc::new(endpoints);
        self.planner
            .set_api_endpoints(Arc::clone(&endpoints))
            .map_err(|clash| CommandError::Taken(chain(&clash)))?;
        self.due = true;
        let before = std::mem::replace(&mut self.api.endpoints, endpoints);
        if let Err(error) = self.api.store.write_endpoints(&self.api.endpoints) {
            self.use_endpoints(before);
            return Err(CommandError::Failed(chain(&error)));
        }
        self.bring_into_force(|control| {
            if let Err(error) = control.api.store.write_endpoints(&before) {
                tracing::error!(error = %chain(&error), "an addition that failed could not be taken back");
            }
            control.use_endpoints(before);
        })
    }

    /// Goes back to endpoints that were in use before.
    fn use_endpoints(&mut self, endpoints: Arc<EndpointFile>) {
        self.planner
            .set_earlier_api_endpoints(Arc::clone(&endpoints));
        self.api.endpoints = endpoints;
        self.due = true;
    }

    /// Makes the maps say what is planned now; if they refuse, `take_back` is done and brought into force instead.
    pub(super) fn bring_into_force(
        &mut self,
        take_back: impl FnOnce(&mut Self),
    ) -> Result<(), CommandError> {
        let Err(error) = self.reconcile() else {
            if self.retry_refused() {
                self.due = true;
                let result = self.reconcile();
                self.complain(result);
            }
            self.publish();
            return Ok(());
        };
        take_back(self);
        self.due = true;
        let result = self.reconcile();
        self.complain(result);
        self.publish();
        Err(CommandError::Failed(chain(&error)))
    }

    /// An endpoint of the API that is set aside: it has no numbers and no interface.
    fn unused(&self, spec: EndpointSpec, reason: String) -> EndpointView {
        let now_ns = wall_ns();
        let seen = Seen::NoNumbers { reason };
        EndpointView {
            name: spec.qualified_name(),
            number: 0,
            identity: 0,
            labels: labels(&spec, &self.api.endpoints.namespaces),
            owner: Owner::Api,
            source: format!("{}:{}", self.api.endpoints.path.display(), spec.line).into(),
            mode: spec.mode.unwrap_or(self.mode),
            spec: Arc::new(spec),
            ingress: Enforcement::Unspecified,
            egress: Enforcement::Unspecified,
            interface: None,
            standing: Standing::new(now_ns).after(&seen, now_ns),
        }
    }

    pub(super) fn published(&self, name: &str) -> Result<EndpointView, CommandError> {
        let snapshot = self.board.snapshot();
        let endpoint = snapshot.as_ref().and_then(|now| now.endpoint(name));
        endpoint
            .map(|endpoint| EndpointView::clone(endpoint))
            .ok_or_else(|| CommandError::Failed(format!("the endpoint `{name}` is not planned")))
    }
}

/// Labels of a namespace belong to the file; without any there, to whoever names them first.
fn add_namespace_labels(
    endpoints: &mut EndpointFile,
    spec: &EndpointSpec,
    file: &EndpointFile,
    labels: std::collections::BTreeMap<String, String>,
) -> Result<(), CommandError> {
    if labels.is_empty() {
        return Ok(());
    }
    let Some(namespace) = &spec.namespace else {
        return Err(CommandError::Invalid(
            "namespace_labels: the endpoint has no namespace; add `namespace:` to it".to_owned(),
        ));
    };
    let known = file
        .namespaces
        .get(namespace)
        .or_else(|| endpoints.namespaces.get(namespace));
    match known {
        Some(known) if *known != labels => Err(CommandError::Invalid(format!(
            "namespace_labels: namespace `{namespace}` has other labels already; leave them out"
        ))),
        Some(_) => Ok(()),
        None => {
            endpoints.namespaces.insert(namespace.clone(), labels);
            Ok(())
        }
    }
}
