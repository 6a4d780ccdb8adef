//! Streams that follow: order as it happens, nodes that die and return.

use proto::observer::GetFlowsRequest;
use relay::Config;

use crate::fixture::{TestNode, TestRelay, all, follow, store};

#[tokio::test]
async fn flows_come_in_order_as_they_happen() {
    let mut nodes = vec![
        TestNode::start("a", 10_000).await,
        TestNode::start("b", 10_000).await,
    ];
    let relay = TestRelay::start(&nodes).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    for port in 1..200 {
        let owner = usize::from(port % 3 == 0);
        nodes[owner].live(port);
        // The other has looked since, and has nothing.
        nodes[1 - owner].beat();
        let node = ["a", "b"][owner];
        assert_eq!(stream.flow().await, format!("{node}:{port}"));
    }
}

#[tokio::test]
async fn the_last_ones_then_those_that_come() {
    let mut nodes = vec![
        TestNode::start("a", 10_000).await,
        TestNode::start("b", 10_000).await,
    ];
    store(&mut nodes, 1..=20, |port| usize::from(port % 2 == 0)).await;
    let relay = TestRelay::start(&nodes).await;
    let request = GetFlowsRequest {
        number: 3,
        ..follow()
    };
    let mut stream = relay.stream(request).await;
    assert_eq!(stream.status().await, "connected a,b");
    for expect in ["b:18", "a:19", "b:20"] {
        assert_eq!(stream.flow().await, expect);
    }
    nodes[0].live(21);
    nodes[1].beat();
    assert_eq!(stream.flow().await, "a:21");
}

#[tokio::test]
async fn a_node_that_dies_and_returns() {
    let mut a = TestNode::start("a", 10_000).await;
    let b = TestNode::start("b", 10_000).await;
    let relay = TestRelay::over(
        vec![
            crate::fixture::named("a", a.port),
            crate::fixture::named("b", b.port),
        ],
        2,
    )
    .await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    let port = b.end().await;
    assert_eq!(stream.status().await, "unavailable b");
    // Nobody waits for it.
    a.live(1);
    assert_eq!(stream.flow().await, "a:1");
    let mut b = TestNode::start_at("b", 10_000, 0, port).await;
    // What it has seen before the relay found it again is not lost.
    b.live(2);
    assert_eq!(stream.status().await, "connected b");
    a.beat();
    assert_eq!(stream.flow().await, "b:2");
    b.live(3);
    a.beat();
    assert_eq!(stream.flow().await, "b:3");
    let answers = relay.answers(all()).await;
    assert_eq!(answers.len(), 1 + 3);
}

#[tokio::test]
async fn a_connection_that_breaks_costs_no_flow_and_brings_none_twice() {
    let mut a = TestNode::start("a", 10_000).await;
    let proxy = crate::late::Proxy::start(a.port).await;
    let relay = TestRelay::over(vec![crate::fixture::named("a", proxy.port)], 1).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    let mut port = 0;
    for _ in 0..3 {
        for _ in 0..5 {
            port += 1;
            a.live(port);
            assert_eq!(stream.flow().await, format!("a:{port}"));
        }
        proxy.cut();
        // While nobody listens.
        for _ in 0..5 {
            port += 1;
            a.live(port);
        }
        assert_eq!(stream.status().await, "unavailable a");
        assert_eq!(stream.status().await, "connected a");
        for missed in port - 4..=port {
            assert_eq!(stream.flow().await, format!("a:{missed}"));
        }
    }
}

#[tokio::test]
async fn the_end_of_the_relay_ends_streams_in_order() {
    let mut nodes = vec![TestNode::start("a", 10_000).await];
    let relay = TestRelay::start(&nodes).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    nodes[0].live(1);
    assert_eq!(stream.flow().await, "a:1");
    relay.end().await;
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_node_that_has_promised_nothing_more_and_returns() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start("b", 10_000).await;
    let relay = TestRelay::with(Config {
        peers: vec![
            crate::fixture::named("a", a.port),
            crate::fixture::named("b", b.port),
        ],
        late_bound: crate::fixture::LONG,
        ..Config::default()
    })
    .await;
    relay.connected(2).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    // As an observer that is asked to end: its pipeline ends first. That others do not wait for it tells that the relay
    // has read its promise.
    b.inlet = None;
    a.live(1);
    assert_eq!(stream.flow().await, "a:1");
    let port = b.end().await;
    relay.connected(1).await;
    let mut b = TestNode::start_at("b", 10_000, 0, port).await;
    relay.connected(2).await;
    b.live(2);
    a.beat();
    assert_eq!(stream.flow().await, "b:2");
}
