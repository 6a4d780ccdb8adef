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
use tonic::{Code, Response, Status};

use crate::merge::about;
use crate::service::answers::Relay;
use crate::service::everybody::{Answers, ask, passed_on, path};

/// An answer with policies or endpoints is not larger.
const MOST_BYTES: usize = 16 << 20;

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
    let answers = ask(relay, |channel| {
        let path = path.clone();
        async move {
            let client = PoliciesClient::new(channel.clone());
            let mut client = client.max_decoding_message_size(MOST_BYTES);
            match client.list_policies(ListPoliciesRequest {}).await {
                Err(status) if status.code() == Code::Unimplemented => {
                    let client = DashboardClient::new(channel);
                    let mut client = client.max_decoding_message_size(MOST_BYTES);
                    let request = passed_on(&path, GetAllPoliciesRequest {});
                    client.get_all_policies(request).await
                }
                answer => answer.map(|answer| {
                    Response::new(GetAllPoliciesResponse {
                        nodes: vec![answer.into_inner()],
                        node_status: Vec::new(),
                    })
                }),
            }
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
    let answers = ask(relay, |channel| {
        let path = path.clone();
        async move {
            let client = EndpointsClient::new(channel.clone());
            let mut client = client.max_decoding_message_size(MOST_BYTES);
            match client.list_endpoints(ListEndpointsRequest::default()).await {
                Err(status) if status.code() == Code::Unimplemented => {
                    let client = DashboardClient::new(channel);
                    let mut client = client.max_decoding_message_size(MOST_BYTES);
                    let request = passed_on(&path, GetAllEndpointsRequest {});
                    client.get_all_endpoints(request).await
                }
                answer => answer.map(|answer| {
                    let answer = answer.into_inner();
                    Response::new(GetAllEndpointsResponse {
                        nodes: vec![NodeEndpoints {
                            node_name: answer.node_name,
                            endpoints: answer.endpoints,
                        }],
                        node_status: Vec::new(),
                    })
                }),
            }
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
    let answers = ask(relay, |channel| {
        let (path, name) = (path.clone(), name.clone());
        async move {
            let mut client = PoliciesClient::new(channel.clone());
            let request = GetPolicyRequest {
                name: Some(name.clone()),
            };
            match client.get_policy(request).await {
                Err(status) if status.code() == Code::Unimplemented => {
                    let request = GetPolicyTextRequest { name: Some(name) };
                    let request = passed_on(&path, request);
                    DashboardClient::new(channel).get_policy_text(request).await
                }
                answer => answer,
            }
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
    let answers = ask(relay, |channel| {
        let (path, request) = (path.clone(), request.clone());
        async move {
            let client = PoliciesClient::new(channel.clone());
            let mut client = client.max_decoding_message_size(MOST_BYTES);
            let flow = request.flow.clone();
            match client.explain(ExplainRequest { flow }).await {
                Err(status) if status.code() == Code::Unimplemented => {
                    let client = DashboardClient::new(channel);
                    let mut client = client.max_decoding_message_size(MOST_BYTES);
                    client.explain_flow(passed_on(&path, request)).await
                }
                answer => answer,
            }
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
