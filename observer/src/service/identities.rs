//! `tycho.v1.Identities`: what holds now, or held at a time.

use std::collections::HashMap;
use std::sync::Arc;

use policy::LabelSet;
use proto::tycho::v1::identities_server::Identities;
use proto::tycho::v1::{
    GetIdentityRequest, Identity, IdentityScope, ListIdentitiesRequest, ListIdentitiesResponse,
};
use tonic::{Request, Response, Status};

use super::control::snapshot;
use super::query::invalid;
use super::selection::{Selection, label_texts, timestamp};
use crate::control::Snapshot;
use crate::node::Node;
use crate::pipeline::wall_ns;
use flow::selection::time_ns;

#[derive(Debug)]
pub(super) struct IdentitiesApi {
    node: Arc<Node>,
}

impl IdentitiesApi {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }
}

#[tonic::async_trait]
impl Identities for IdentitiesApi {
    async fn list_identities(
        &self,
        request: Request<ListIdentitiesRequest>,
    ) -> Result<Response<ListIdentitiesResponse>, Status> {
        let request = request.get_ref();
        let selection = Selection::parse(&request.selectors)?;
        let at_ns = time_ns("at", request.at.as_ref()).map_err(invalid)?;
        let snapshot = snapshot(&self.node)?;
        let spans = held(&snapshot, at_ns)?;
        let endpoints = &snapshot.view.endpoint_counts;
        let selected = spans.iter().filter(|span| selection.matches(&span.labels));
        Ok(Response::new(ListIdentitiesResponse {
            identities: selected.map(|span| message(span, endpoints)).collect(),
            known_since: Some(timestamp(snapshot.view.identity_journal.known_since_ns())),
        }))
    }

    async fn get_identity(
        &self,
        request: Request<GetIdentityRequest>,
    ) -> Result<Response<Identity>, Status> {
        let request = request.get_ref();
        let at_ns = time_ns("at", request.at.as_ref()).map_err(invalid)?;
        let snapshot = snapshot(&self.node)?;
        let spans = held(&snapshot, at_ns)?;
        let number = request.identity;
        let found = spans.iter().find(|span| span.identity.0 == number);
        let span = found.ok_or_else(|| {
            let last = snapshot
                .view
                .identity_journal
                .last(&policy::Identity(number));
            let hint = match last {
                Some(last) => format!("; it is known from another time, as {}", last.value),
                None => "; `tycho identity list` shows those there are".to_owned(),
            };
            let when = request.at.map_or("has", |_| "had then");
            Status::not_found(format!("no identity {when} the number {number}{hint}"))
        })?;
        Ok(Response::new(message(span, &snapshot.view.endpoint_counts)))
    }
}

/// A number, what it means, and in which time.
struct Held {
    identity: policy::Identity,
    labels: LabelSet,
    from_ns: Option<u64>,
    until_ns: Option<u64>,
}

/// What held at a time, by number; without a time, what holds now.
fn held(snapshot: &Snapshot, at_ns: Option<u64>) -> Result<Vec<Held>, Status> {
    let journal = &snapshot.view.identity_journal;
    let at_ns = at_ns.unwrap_or_else(wall_ns);
    if at_ns < journal.known_since_ns() {
        let known = timestamp(journal.known_since_ns());
        return Err(Status::out_of_range(format!(
            "at: nothing is known of times before {known}"
        )));
    }
    let mut held: Vec<Held> = policy::Identity::reserved()
        .filter_map(|identity| {
            Some(Held {
                identity,
                labels: identity.reserved_labels()?,
                from_ns: None,
                until_ns: None,
            })
        })
        .collect();
    let spans = journal.all_at(at_ns);
    held.extend(
        spans
            .filter(|(identity, _)| identity.name().is_none())
            .map(|(identity, span)| Held {
                identity: *identity,
                labels: span.value.clone(),
                from_ns: Some(span.from_ns),
                until_ns: span.until_ns,
            }),
    );
    Ok(held)
}

fn message(held: &Held, endpoints: &HashMap<policy::Identity, u32>) -> Identity {
    let scope = match held.identity {
        identity if identity.name().is_some() => IdentityScope::Reserved,
        identity if identity.is_node_local() => IdentityScope::Node,
        _ => IdentityScope::Cluster,
    };
    Identity {
        identity: held.identity.0,
        labels: label_texts(&held.labels),
        scope: scope.into(),
        from: held.from_ns.map(timestamp),
        until: held.until_ns.map(timestamp),
        endpoints: endpoints.get(&held.identity).copied().unwrap_or(0),
    }
}
