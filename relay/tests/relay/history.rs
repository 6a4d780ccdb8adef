//! Windows, filters and numbers of stored flows are carried out by the nodes, and counted in sum.

use proto::flow::FlowFilter;
use proto::observer::GetFlowsRequest;

use crate::fixture::{TestNode, TestRelay, all, show};

async fn two() -> (Vec<TestNode>, TestRelay) {
    let mut nodes = vec![
        TestNode::start("a", 10_000).await,
        TestNode::start("b", 10_000).await,
    ];
    for time in 1..=10 {
        nodes[usize::from(time % 2 == 0)].push(time, u64::from(time) * 1_000_000);
    }
    for node in &mut nodes {
        node.settle(u64::MAX).await;
    }
    let relay = TestRelay::start(&nodes).await;
    (nodes, relay)
}

async fn shown(relay: &TestRelay, request: GetFlowsRequest) -> Vec<String> {
    let answers = relay.answers(request).await;
    answers.iter().skip(1).map(show).collect()
}

#[tokio::test]
async fn filters_are_the_nodes_matter() {
    let (_nodes, relay) = two().await;
    let ports = |ports: &[u16]| FlowFilter {
        source_port: ports.iter().map(ToString::to_string).collect(),
        ..FlowFilter::default()
    };
    let request = GetFlowsRequest {
        whitelist: vec![ports(&[1, 2, 3, 4])],
        blacklist: vec![ports(&[3])],
        ..all()
    };
    assert_eq!(shown(&relay, request.clone()).await, ["a:1", "b:2", "b:4"]);
    let last = GetFlowsRequest {
        number: 2,
        ..request
    };
    assert_eq!(shown(&relay, last).await, ["b:2", "b:4"]);
    let node = FlowFilter {
        node_name: vec!["b".to_owned()],
        ..FlowFilter::default()
    };
    let of_b = GetFlowsRequest {
        whitelist: vec![node],
        number: 2,
        ..all()
    };
    assert_eq!(shown(&relay, of_b).await, ["b:8", "b:10"]);
}

#[tokio::test]
async fn the_newest_of_a_window() {
    let (nodes, relay) = two().await;
    let offset_ns = observer::pipeline::wall_clock().offset_ns();
    let at = |milliseconds: u64| {
        // The clocks were read at different moments, some microseconds apart.
        let time_ns = (milliseconds * 1_000_000).saturating_add_signed(offset_ns);
        Some(flow::selection::timestamp(time_ns - 500_000))
    };
    let request = GetFlowsRequest {
        since: at(3),
        until: at(9),
        ..all()
    };
    assert_eq!(
        shown(&relay, request.clone()).await,
        ["a:3", "b:4", "a:5", "b:6", "a:7", "b:8"]
    );
    let last = GetFlowsRequest {
        number: 3,
        ..request.clone()
    };
    assert_eq!(shown(&relay, last).await, ["b:6", "a:7", "b:8"]);
    let first = GetFlowsRequest {
        number: 3,
        first: true,
        ..request
    };
    assert_eq!(shown(&relay, first).await, ["a:3", "b:4", "a:5"]);
    assert_eq!(nodes.len(), 2);
}
