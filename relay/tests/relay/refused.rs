//! Requests that cannot be answered are refused before any node is asked.

use proto::flow::FlowFilter;
use proto::observer::GetFlowsRequest;
use relay::{Config, RelayError};
use tonic::Code;

use crate::fixture::{TestNode, TestRelay, all, answers, follow};

#[tokio::test]
async fn bad_requests_name_what_is_wrong() {
    let nodes = vec![TestNode::start("a", 10_000).await];
    let relay = TestRelay::start(&nodes).await;
    let check = async |request: GetFlowsRequest, expect: &str| {
        let status = answers(&relay.channel, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(expect), "{}", status.message());
    };
    let filter = |filter: FlowFilter| GetFlowsRequest {
        whitelist: vec![filter],
        ..all()
    };
    check(
        filter(FlowFilter {
            source_ip: vec!["nonsense".to_owned()],
            ..FlowFilter::default()
        }),
        "nonsense",
    )
    .await;
    check(
        filter(FlowFilter {
            http_method: vec!["GET".to_owned()],
            ..FlowFilter::default()
        }),
        "http_method",
    )
    .await;
    check(
        GetFlowsRequest {
            first: true,
            ..follow()
        },
        "first cannot be specified with follow",
    )
    .await;
    let mask = prost_types::FieldMask {
        paths: vec!["nothing".to_owned()],
    };
    check(
        GetFlowsRequest {
            field_mask: Some(mask),
            ..all()
        },
        "nothing",
    )
    .await;
}

#[tokio::test]
async fn more_streams_than_allowed() {
    let nodes = [TestNode::start("a", 10_000).await];
    let relay = TestRelay::with(Config {
        peers: nodes.iter().map(TestNode::address).collect(),
        streams: 2,
        ..Config::default()
    })
    .await;
    relay.connected(1).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = relay.stream(follow()).await;
        stream.status().await;
        open.push(stream);
    }
    let status = answers(&relay.channel, all()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(
        status.message().contains("--max-streams"),
        "{}",
        status.message()
    );
    open.clear();
    crate::fixture::wait_until(|| true).await;
    let waiting = async {
        while answers(&relay.channel, all()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::fixture::LONG, waiting)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_relay_without_peers_does_not_start() {
    let config = Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..Config::default()
    };
    let error = relay::run(config, daemon::tasks::Tasks::new())
        .await
        .unwrap_err();
    assert!(matches!(error, RelayError::NoPeers), "{error}");
}
