//! `tycho.v1.Endpoints`.

use std::net::IpAddr;
use std::sync::Arc;

use policy::Identity;
use proto::tycho::v1::endpoints_server::Endpoints;
use proto::tycho::v1::get_endpoint_request::Endpoint as Asked;
use proto::tycho::v1::{
    AddEndpointRequest, Endpoint, GetEndpointRequest, LabelEndpointRequest, ListEndpointsRequest,
    ListEndpointsResponse, Owner, RemoveEndpointRequest, RemoveEndpointResponse,
};
use registry::api_store::mode_name;
use registry::endpoint_file::Spoofing;
use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::control::{ask, snapshot};
use super::policy_messages::policy_name;
use super::selection::{Selection, label_texts, timestamp, what_there_is};
use crate::control::{AddEndpoint, Command, EndpointView, LabelEndpoint, Snapshot};
use crate::desired;
use crate::node::Node;
use crate::pipeline::wall_ns;

#[derive(Debug)]
pub(super) struct EndpointsApi {
    node: Arc<Node>,
}

impl EndpointsApi {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }

    fn answer(&self, endpoint: &EndpointView) -> Result<Response<Endpoint>, Status> {
        Ok(Response::new(message(endpoint, &*snapshot(&self.node)?)))
    }
}

#[tonic::async_trait]
impl Endpoints for EndpointsApi {
    async fn list_endpoints(
        &self,
        request: Request<ListEndpointsRequest>,
    ) -> Result<Response<ListEndpointsResponse>, Status> {
        let selection = Selection::parse(&request.get_ref().selectors)?;
        let snapshot = snapshot(&self.node)?;
        let mut endpoints: Vec<Endpoint> = snapshot
            .endpoints
            .iter()
            .filter(|endpoint| selection.matches(&endpoint.labels))
            .map(|endpoint| message(endpoint, &snapshot))
            .collect();
        endpoints.sort_by_key(|endpoint| endpoint.number);
        Ok(Response::new(ListEndpointsResponse {
            node_name: self.node.names.node_name.clone(),
            endpoints,
        }))
    }

    async fn get_endpoint(
        &self,
        request: Request<GetEndpointRequest>,
    ) -> Result<Response<Endpoint>, Status> {
        let snapshot = snapshot(&self.node)?;
        let asked = request.into_inner().endpoint.ok_or_else(|| {
            Status::invalid_argument("endpoint: give a `number`, a `name` or an `ip`")
        })?;
        let (what, found) = find(&snapshot, &asked)?;
        let endpoint = found.ok_or_else(|| {
            let names = snapshot.endpoints.iter().map(|endpoint| &endpoint.name);
            let hint = gone(&snapshot, &asked).unwrap_or_else(|| what_there_is(names));
            Status::not_found(format!("there is no endpoint with {what}; {hint}"))
        })?;
        self.answer(endpoint)
    }

    async fn add_endpoint(
        &self,
        request: Request<AddEndpointRequest>,
    ) -> Result<Response<Endpoint>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let add = AddEndpoint {
            text: request.endpoint,
            namespace_labels: request.namespace_labels.into_iter().collect(),
        };
        let added = ask(&self.node, |answer| Command::AddEndpoint(add, answer)).await;
        let name = added.as_ref().map_or("", |endpoint| endpoint.name.as_str());
        caller.log("add endpoint", name, &added);
        self.answer(&added?)
    }

    async fn remove_endpoint(
        &self,
        request: Request<RemoveEndpointRequest>,
    ) -> Result<Response<RemoveEndpointResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = named(request.into_inner().name)?;
        let asked = name.clone();
        let removed = ask(&self.node, |answer| Command::RemoveEndpoint(asked, answer)).await;
        caller.log("remove endpoint", &name, &removed);
        let endpoint = self.answer(&removed?)?.into_inner();
        Ok(Response::new(RemoveEndpointResponse {
            endpoint: Some(endpoint),
        }))
    }

    async fn label_endpoint(
        &self,
        request: Request<LabelEndpointRequest>,
    ) -> Result<Response<Endpoint>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let name = named(request.name)?;
        if request.set.is_empty() && request.remove.is_empty() {
            return Err(Status::invalid_argument(
                "set: there is nothing to change; name labels to set or to remove",
            ));
        }
        let label = LabelEndpoint {
            name: name.clone(),
            set: request.set.into_iter().collect(),
            remove: request.remove,
        };
        let labelled = ask(&self.node, |answer| Command::LabelEndpoint(label, answer)).await;
        caller.log("label endpoint", &name, &labelled);
        self.answer(&labelled?)
    }
}

fn named(name: String) -> Result<String, Status> {
    if name.is_empty() {
        return Err(Status::invalid_argument(
            "name: give the name of the endpoint, as `namespace/name` or `name`",
        ));
    }
    Ok(name)
}

/// What is asked for in words, and the endpoint, if there is one.
fn find<'a>(
    snapshot: &'a Snapshot,
    asked: &Asked,
) -> Result<(String, Option<&'a Arc<EndpointView>>), Status> {
    let mut endpoints = snapshot.endpoints.iter();
    Ok(match asked {
        Asked::Number(number) => {
            let found = endpoints.find(|endpoint| u32::from(endpoint.number) == *number);
            (format!("number {number}"), found.filter(|_| *number != 0))
        }
        Asked::Name(name) => (format!("name `{name}`"), snapshot.endpoint(name)),
        Asked::Ip(text) => {
            let ip: IpAddr = text.parse().map_err(|_unparsed| {
                Status::invalid_argument(format!("ip: `{text}` is no IP address"))
            })?;
            let found = endpoints.find(|endpoint| endpoint.spec.ips.contains(&ip));
            (format!("address {ip}"), found)
        }
    })
}

/// When an endpoint of that name was taken away, in words; nothing if that is not known.
fn gone(snapshot: &Snapshot, asked: &Asked) -> Option<String> {
    let Asked::Name(name) = asked else {
        return None;
    };
    let ended_ns = snapshot.view.endpoint_journal.last(name)?.until_ns?;
    let ago_s = wall_ns().saturating_sub(ended_ns) / 1_000_000_000;
    Some(format!("the last one was taken away {ago_s} s ago"))
}

/// An endpoint as clients see it.
fn message(endpoint: &EndpointView, snapshot: &Snapshot) -> Endpoint {
    let spec = &endpoint.spec;
    let (v4, v6): (Vec<&IpAddr>, Vec<&IpAddr>) = spec.ips.iter().partition(|ip| ip.is_ipv4());
    let texts = |ips: Vec<&IpAddr>| ips.into_iter().map(ToString::to_string).collect();
    let view = &snapshot.view;
    let labels = view.identities.labels(Identity(endpoint.identity));
    let selecting = labels.map(|labels| view.rules.selecting(labels));
    let (ifindex, interface) = endpoint.interface.clone().unwrap_or_default();
    let workload = spec.workload.as_ref();
    Endpoint {
        number: endpoint.number.into(),
        namespace: spec.namespace.clone().unwrap_or_default(),
        name: spec.name.clone(),
        state: endpoint.standing.state.into(),
        state_reason: endpoint.standing.reason.clone(),
        state_since: Some(timestamp(endpoint.standing.since_ns)),
        identity: endpoint.identity,
        labels: label_texts(&endpoint.labels),
        ipv4: texts(v4),
        ipv6: texts(v6),
        ingress: endpoint.ingress.into(),
        egress: endpoint.egress.into(),
        policies: selecting
            .into_iter()
            .flatten()
            .map(|policy| policy_name(&policy.name))
            .collect(),
        mode: mode_name(endpoint.mode).to_owned(),
        spoofing: spoofing(&spec.spoofing),
        interface,
        ifindex,
        ports: spec
            .ports
            .iter()
            .map(|(name, port)| (name.clone(), u32::from(*port)))
            .collect(),
        workload: workload.map_or_else(String::new, |workload| {
            format!("{}/{}", workload.kind, workload.name)
        }),
        owner: owner(endpoint.owner).into(),
        source: endpoint.source.to_string(),
    }
}

fn owner(owner: desired::Owner) -> Owner {
    match owner {
        // The registry has no endpoints of this node.
        desired::Owner::File | desired::Owner::Registry => Owner::File,
        desired::Owner::Api => Owner::Api,
    }
}

fn spoofing(spoofing: &Spoofing) -> String {
    match spoofing {
        Spoofing::Strict => "strict".to_owned(),
        Spoofing::Off => "off".to_owned(),
        Spoofing::Cidrs(cidrs) => {
            let texts: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
            texts.join(",")
        }
    }
}
