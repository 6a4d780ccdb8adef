//! `tycho.v1.Policies`.

use std::sync::Arc;

use daemon::tasks::Tasks;
use policy::Identity;
use proto::tycho::v1::policies_server::Policies;
use proto::tycho::v1::{
    DeletePolicyRequest, DeletePolicyResponse, ExplainRequest, Explanation, GetPolicyRequest,
    GetVerdictRequest, GetVerdictResponse, ImportPoliciesRequest, ImportPoliciesResponse,
    ListPoliciesRequest, ListPoliciesResponse, Policy,
};
use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::control::{ask, snapshot};
use super::explain::explain;
use super::policy_messages::{policy_name, read_policy_name, rule_message, source};
use super::selection::{timestamp, what_there_is};
use super::verdict::verdicts;
use crate::control::{Command, Hits, ImportPolicies, Snapshot};
use crate::desired::Owner;
use crate::node::Node;

#[derive(Debug)]
pub(super) struct PoliciesApi {
    node: Arc<Node>,
    tasks: Tasks,
}

impl PoliciesApi {
    pub(super) fn new(node: Arc<Node>, tasks: Tasks) -> Self {
        Self { node, tasks }
    }

    /// The hits as of now; if they cannot be read now, those of the last time.
    async fn hits(&self) -> Arc<Hits> {
        if let Err(status) = ask(&self.node, Command::CountHits).await {
            tracing::debug!(error = status.message(), "hits are those of the last time");
        }
        self.node.board.hits()
    }

    /// Works on a thread of its own: many rules and many pairs take longer than a thread that serves others may.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let node = Arc::clone(&self.node);
        let worked = self.tasks.spawn_blocking("policies", move || work(&node));
        let worked = worked
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        worked.map(Response::new)
    }
}

#[tonic::async_trait]
impl Policies for PoliciesApi {
    async fn list_policies(
        &self,
        _request: Request<ListPoliciesRequest>,
    ) -> Result<Response<ListPoliciesResponse>, Status> {
        let hits = self.hits().await;
        let snapshot = snapshot(&self.node)?;
        let view = &snapshot.view;
        let policies = view.rules.policies().iter();
        Ok(Response::new(ListPoliciesResponse {
            node_name: self.node.names.node_name.clone(),
            revision: view.revision.into(),
            policies: policies
                .map(|policy| message(policy, &snapshot, &hits))
                .collect(),
            counted_since: Some(timestamp(hits.since_ns)),
            problem: snapshot.problems.policies.clone().unwrap_or_default(),
        }))
    }

    async fn get_policy(
        &self,
        request: Request<GetPolicyRequest>,
    ) -> Result<Response<Policy>, Status> {
        let name = read_policy_name(request.into_inner().name)?;
        let hits = self.hits().await;
        let snapshot = snapshot(&self.node)?;
        let policies = snapshot.view.rules.policies();
        let found = policies.iter().find(|policy| *policy.name == name);
        let policy = found.ok_or_else(|| {
            let names = policies.iter().map(|policy| policy.name.to_string());
            Status::not_found(format!(
                "there is no policy {name}; {}",
                what_there_is(names)
            ))
        })?;
        Ok(Response::new(Policy {
            yaml: policy.text.to_string(),
            ..message(policy, &snapshot, &hits)
        }))
    }

    async fn import_policies(
        &self,
        request: Request<ImportPoliciesRequest>,
    ) -> Result<Response<ImportPoliciesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let ImportPoliciesRequest { yaml, file } = request.into_inner();
        let what = file.clone();
        let import = ImportPolicies { yaml, file };
        let imported = ask(&self.node, |answer| Command::ImportPolicies(import, answer)).await;
        caller.log("import policies of", &what, &imported);
        let imported = imported?;
        Ok(Response::new(ImportPoliciesResponse {
            names: imported.names.iter().map(policy_name).collect(),
            revision: imported.revision,
        }))
    }

    async fn delete_policy(
        &self,
        request: Request<DeletePolicyRequest>,
    ) -> Result<Response<DeletePolicyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = read_policy_name(request.into_inner().name)?;
        let what = name.to_string();
        let deleted = ask(&self.node, |answer| Command::DeletePolicy(name, answer)).await;
        caller.log("delete policy", &what, &deleted);
        let revision = deleted?;
        Ok(Response::new(DeletePolicyResponse { revision }))
    }

    async fn get_verdict(
        &self,
        request: Request<GetVerdictRequest>,
    ) -> Result<Response<GetVerdictResponse>, Status> {
        let snapshot = snapshot(&self.node)?;
        let request = request.into_inner();
        self.work(move |_| verdicts(&request, &snapshot)).await
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<Explanation>, Status> {
        let snapshot = snapshot(&self.node)?;
        let flow = request.into_inner().flow;
        self.work(move |node| explain(&flow, node, &snapshot)).await
    }
}

/// A policy as clients see it, without its text.
fn message(policy: &policy::Policy, snapshot: &Snapshot, hits: &Hits) -> Policy {
    let view = &snapshot.view;
    let owner = match view.owner(policy) {
        Owner::Api => "api",
        Owner::File => "file",
        Owner::Registry => "registry",
    };
    let rules = view.rules.rules();
    let of_it = rules.filter(|(_, rule)| rule.key.policy == policy.name);
    let selected = snapshot.endpoints.iter().filter(|endpoint| {
        let labels = view.identities.labels(Identity(endpoint.identity));
        labels.is_some_and(|labels| endpoint.number != 0 && policy.subject.matches(labels))
    });
    Policy {
        name: Some(policy_name(&policy.name)),
        owner: owner.to_owned(),
        source: source(policy),
        audited: policy.audited,
        subject: policy.subject.to_string(),
        default_deny_ingress: policy.default_deny_ingress,
        default_deny_egress: policy.default_deny_egress,
        rules: of_it
            .map(|(_, rule)| {
                let number = view.rule_numbers.get(&rule.key).copied().unwrap_or(0);
                rule_message(rule, number, hits)
            })
            .collect(),
        endpoints: u32::try_from(selected.count()).unwrap_or(u32::MAX),
        yaml: String::new(),
    }
}
