//! What nodes say of their policies, endpoints and flows, for a page. A relay below answers for its own nodes.

use http::HeaderMap;
use proto::relay::{NodeState, NodeStatusEvent};
use proto::tycho::v1::dashboard_client::DashboardClient;
use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::policies_client::PoliciesClient;
use proto::tycho::v1::{
    ExplainFlowRequest, ExplainRequest, Explanation, GetAllEndpointsRequest,
    GetAllEndpointsResponse, GetAllPoliciesRequest, GetAllPoliciesResponse, GetPolicyRequest,
    GetPolicyTextRequest, ListEndpointsRequest, ListPoliciesRequest, NodeEndpoints, Policy,
};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::merge::about;
use crate::service::answers::Relay;
use crate::service::everybody::{Answers, ask, passed_on, path};

/// An answer with policies or endpoints is not larger.
const MOST_BYTES: usize = 16 << 20;

fn policies_at(peer: &Channel) -> PoliciesClient<Channel> {
    PoliciesClient::new(peer.clone()).max_decoding_message_size(MOST_BYTES)
}

fn dashboard_at(peer: &Channel) -> DashboardClient<Channel> {
    DashboardClient::new(peer.clone()).max_decoding_message_size(MOST_BYTES)
}

/// What a node says of itself; a relay has nothing to say there, and is asked for what those below it say.
async fn own_or_below<T>(
    own: impl Future<Output = Result<Response<T>, Status>>,
    below: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<Response<T>, Status> {
    match own.await {
        Err(status) if status.code() == Code::Unimplemented => below.await,
        answer => answer,
    }
}

/// The nodes that have given no answer, and why.
fn missing<T>(answers: &Answers<T>) -> Vec<NodeStatusEvent> {
    let missing = answers.missing.iter();
    missing
        .map(|(name, why)| about(NodeState::NodeUnavailable, name, why))
        .collect()
}

/// The policies of every node.
pub(super) async fn policies(
    relay: &Relay,
    headers: &HeaderMap,
) -> Result<GetAllPoliciesResponse, Status> {
    let path = path(relay, headers)?;
    let answers = ask(relay, |peer| {
        let request = passed_on(&path, GetAllPoliciesRequest {});
        async move {
            let (mut node, mut relay) = (policies_at(&peer), dashboard_at(&peer));
            let own = async {
                let answer = node.list_policies(ListPoliciesRequest {}).await?;
                Ok(Response::new(GetAllPoliciesResponse {
                    nodes: vec![answer.into_inner()],
                    node_status: Vec::new(),
                }))
            };
            own_or_below(own, relay.get_all_policies(request)).await
        }
    })
    .await;
    let mut all = GetAllPoliciesResponse {
        nodes: Vec::new(),
        node_status: missing(&answers),
    };
    for (_, given) in answers.given {
        all.nodes.extend(given.nodes);
        all.node_status.extend(given.node_status);
    }
    Ok(all)
}

/// The endpoints of every node.
pub(super) async fn endpoints(
    relay: &Relay,
    headers: &HeaderMap,
) -> Result<GetAllEndpointsResponse, Status> {
    let path = path(relay, headers)?;
    let answers = ask(relay, |peer| {
        let request = passed_on(&path, GetAllEndpointsRequest {});
        async move {
            let node = EndpointsClient::new(peer.clone());
            let mut node = node.max_decoding_message_size(MOST_BYTES);
            let mut relay = dashboard_at(&peer);
            let own = async {
                let answer = node.list_endpoints(ListEndpointsRequest::default()).await?;
                let answer = answer.into_inner();
                Ok(Response::new(GetAllEndpointsResponse {
                    nodes: vec![NodeEndpoints {
                        node_name: answer.node_name,
                        endpoints: answer.endpoints,
                    }],
                    node_status: Vec::new(),
                }))
            };
            own_or_below(own, relay.get_all_endpoints(request)).await
        }
    })
    .await;
    let mut all = GetAllEndpointsResponse {
        nodes: Vec::new(),
        node_status: missing(&answers),
    };
    for (_, given) in answers.given {
        all.nodes.extend(given.nodes);
        all.node_status.extend(given.node_status);
    }
    Ok(all)
}

/// One policy with its text: from the first node that has it.
pub(super) async fn policy_text(
    relay: &Relay,
    headers: &HeaderMap,
    request: &GetPolicyTextRequest,
) -> Result<Policy, Status> {
    let path = path(relay, headers)?;
    let name = request
        .name
        .clone()
        .ok_or_else(|| Status::invalid_argument("name is missing: say which policy"))?;
    let words = format!("{}/{}/{}", name.kind, name.namespace, name.name);
    let answers = ask(relay, |peer| {
        let own = GetPolicyRequest {
            name: Some(name.clone()),
        };
        let below = passed_on(&path, request.clone());
        async move {
            let (mut node, mut relay) = (policies_at(&peer), dashboard_at(&peer));
            own_or_below(node.get_policy(own), relay.get_policy_text(below)).await
        }
    })
    .await;
    let has_text = |policy: &Policy| !policy.yaml.is_empty();
    let why = answers
        .missing
        .first()
        .map(|(node, why)| format!("; {node}: {why}"));
    let mut given = answers.given.into_iter().map(|(_, policy)| policy);
    given.find(has_text).ok_or_else(|| {
        Status::not_found(format!(
            "no node has the policy {words}{}",
            why.unwrap_or_default()
        ))
    })
}

/// Why a flow got its verdict: its node says it, or a relay below that has the node.
pub(super) async fn explain(
    relay: &Relay,
    headers: &HeaderMap,
    request: &ExplainFlowRequest,
) -> Result<Explanation, Status> {
    let path = path(relay, headers)?;
    if request.flow.is_empty() || request.node_name.is_empty() {
        return Err(Status::invalid_argument(
            "flow or node_name is missing: give the uuid of a flow, and the node that it came from",
        ));
    }
    let answers = ask(relay, |peer| {
        let own = ExplainRequest {
            flow: request.flow.clone(),
        };
        let below = passed_on(&path, request.clone());
        async move {
            let (mut node, mut relay) = (policies_at(&peer), dashboard_at(&peer));
            own_or_below(node.explain(own), relay.explain_flow(below)).await
        }
    })
    .await;
    let of_node =
        |name: &str| name == request.node_name || request.node_name.ends_with(&format!("/{name}"));
    // References are of one life of one node, so at most one of them has it.
    let explanation = answers.given.into_iter().map(|(_, given)| given).next();
    let own = answers.missing.iter().find(|(name, _)| of_node(name));
    let why = own.map_or("none of the nodes holds it any more", |(_, why)| why);
    explanation.ok_or_else(|| {
        Status::not_found(format!(
            "the flow {} of {} cannot be explained: {why}",
            request.flow, request.node_name
        ))
    })
}
