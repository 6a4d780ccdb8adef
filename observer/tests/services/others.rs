//! The other methods, the details of `tycho.v1`, masks, headers, health and reflection.

use proto::flow::Verdict;
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::{
    GetFlowsRequest, GetNamespacesRequest, GetNodesRequest, Namespace, ServerStatusRequest,
};
use proto::tycho::v1::flows_client::FlowsClient;
use tokio_stream::StreamExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::fixture::{Fixture, NODE};

#[tokio::test(flavor = "multi_thread")]
async fn status_nodes_and_namespaces() {
    let mut fixture = Fixture::new(8_192).await;
    fixture.feed(1..=7).await;
    let mut client = fixture.client();
    let answer = client.server_status(ServerStatusRequest {}).await.unwrap();
    let version = answer.metadata().get("hubble-server-version").cloned();
    let status = answer.into_inner();
    assert_eq!(
        (status.num_flows, status.max_flows, status.seen_flows),
        (7, 8_192, 7)
    );
    assert!(status.flows_rate > 0.0 && status.uptime_ns > 0);
    assert!(
        status.version.starts_with("1.19.4+tycho"),
        "{}",
        status.version
    );
    assert_eq!(version.unwrap().to_str().unwrap(), status.version);
    let nodes = client
        .get_nodes(GetNodesRequest {})
        .await
        .unwrap()
        .into_inner()
        .nodes;
    assert_eq!((nodes.len(), nodes[0].name.as_str()), (1, NODE));
    let namespaces = client
        .get_namespaces(GetNamespacesRequest {})
        .await
        .unwrap();
    let expect = Namespace {
        cluster: "default".to_owned(),
        namespace: "shop".to_owned(),
    };
    assert_eq!(namespaces.into_inner().namespaces, [expect]);
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_carry_names_and_on_request_details() {
    let mut fixture = Fixture::new(8_192).await;
    fixture.feed([9]).await;
    let answer = fixture
        .client()
        .get_flows(GetFlowsRequest::default())
        .await
        .unwrap();
    assert!(answer.metadata().contains_key("hubble-server-version"));
    let answers = fixture.answers(GetFlowsRequest::default()).await.unwrap();
    let Some(ResponseTypes::Flow(flow)) = &answers[0].response_types else {
        panic!("{answers:?}");
    };
    let source = flow.source.as_ref().unwrap();
    assert_eq!(
        (source.pod_name.as_str(), source.identity),
        ("frontend-1", 300)
    );
    assert_eq!(source.labels, ["k8s:role=frontend"]);
    assert_eq!(flow.verdict(), Verdict::Forwarded);
    assert_eq!(flow.node_name, NODE);
    let mut client = FlowsClient::new(fixture.channel.clone());
    let stream = client.get_flows(GetFlowsRequest::default()).await.unwrap();
    let answer = stream.into_inner().next().await.unwrap().unwrap();
    let details = answer.tycho.unwrap();
    assert_eq!((details.packets, details.bytes), (1, 60));
    assert_eq!(details.reference, flow.uuid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_keeps_time_and_node_of_the_answer() {
    let mut fixture = Fixture::new(8_192).await;
    fixture.feed([9]).await;
    let paths = vec!["source.identity".to_owned()];
    let request = GetFlowsRequest {
        field_mask: Some(prost_types::FieldMask { paths }),
        ..GetFlowsRequest::default()
    };
    let answers = fixture.answers(request).await.unwrap();
    let Some(ResponseTypes::Flow(flow)) = &answers[0].response_types else {
        panic!("{answers:?}");
    };
    let source = flow.source.as_ref().unwrap();
    assert_eq!((source.identity, source.pod_name.as_str()), (300, ""));
    assert_eq!((flow.time, flow.l4.is_none()), (None, true));
    assert!(answers[0].time.is_some() && answers[0].node_name == NODE);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection() {
    let fixture = Fixture::new(1).await;
    let mut health = HealthClient::new(fixture.channel.clone());
    let mut check = async |expect: i32| {
        for service in ["", "hubble.server.Observer"] {
            let request = HealthCheckRequest {
                service: service.to_owned(),
            };
            let status = health.check(request).await.unwrap().into_inner().status;
            assert_eq!(status, expect, "{service}");
        }
    };
    check(1).await;
    fixture.health.draining().await;
    check(2).await;
    let mut reflection = ServerReflectionClient::new(fixture.channel.clone());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    let answer = answers.into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let names: Vec<&str> = list
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    for expect in [
        "observer.Observer",
        "tycho.v1.Flows",
        "tycho.v1.Ledger",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&expect), "{expect}: {names:?}");
    }
}
