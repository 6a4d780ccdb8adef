//! How far back each node remembers: the time of the oldest flow that it holds.

use std::collections::BTreeMap;

use flow::selection::time_ns;
use proto::observer::GetFlowsRequest;
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::observer_client::ObserverClient;
use tonic::{Response, Status};

use crate::service::answers::Relay;
use crate::service::everybody::ask;

/// Milliseconds since 1970, by node; nothing of nodes that hold no flow or do not answer.
pub(super) async fn ring_ages(relay: Relay) -> BTreeMap<String, u64> {
    let answers = ask(&relay, |channel| async move {
        let request = GetFlowsRequest {
            number: 1,
            first: true,
            ..GetFlowsRequest::default()
        };
        let mut client = ObserverClient::new(channel);
        let mut flows = client.get_flows(request).await?.into_inner();
        // News of nodes may come first.
        while let Some(response) = flows.message().await? {
            if matches!(response.response_types, Some(ResponseTypes::Flow(_))) {
                let time = time_ns("time", response.time.as_ref());
                return Ok(Response::new(time.ok().flatten()));
            }
        }
        Ok::<_, Status>(Response::new(None))
    })
    .await;
    let oldest = answers.given.into_iter();
    oldest
        .filter_map(|(node, time_ns)| Some((node, time_ns? / 1_000_000)))
        .collect()
}
