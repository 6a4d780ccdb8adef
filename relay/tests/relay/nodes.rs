//! Which nodes there are, what they say in sum, and where the relay learns of them.

use std::time::Duration;

use proto::observer::{GetNodesRequest, ServerStatusRequest};
use proto::relay::NodeState;
use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::nodes_client::NodesClient;
use proto::tycho::v1::{GetLedgerRequest, ListNodesRequest, NodeKind};
use relay::Config;

use crate::fixture::{LONG, TestNode, TestRelay, follow, named};

#[tokio::test]
async fn nodes_and_their_sums() {
    let mut a = TestNode::start("a", 10_000).await;
    let b = TestNode::start("b", 5_000).await;
    a.live(1);
    a.settle(u64::MAX).await;
    let nowhere = 1;
    let relay = TestRelay::over(
        vec![named("a", a.port), named("b", b.port), named("c", nowhere)],
        2,
    )
    .await;
    let status = relay
        .client()
        .server_status(ServerStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(status.num_connected_nodes, Some(2));
    assert_eq!(status.num_unavailable_nodes, Some(1));
    assert_eq!(status.unavailable_nodes, ["c"]);
    assert_eq!((status.num_flows, status.seen_flows), (1, 1));
    assert_eq!(
        status.max_flows,
        a.node.store.capacity() + b.node.store.capacity()
    );
    let nodes = relay
        .client()
        .get_nodes(GetNodesRequest {})
        .await
        .unwrap()
        .into_inner()
        .nodes;
    let states: Vec<(&str, NodeState)> = nodes
        .iter()
        .map(|node| (node.name.as_str(), node.state()))
        .collect();
    assert_eq!(
        states,
        [
            ("a", NodeState::NodeConnected),
            ("b", NodeState::NodeConnected),
            ("c", NodeState::NodeUnavailable)
        ]
    );
    let listed = NodesClient::new(relay.channel.clone())
        .list_nodes(ListNodesRequest {})
        .await;
    let listed = listed.unwrap().into_inner().nodes;
    assert_eq!(listed[0].kind(), NodeKind::Observer);
    assert!(listed[0].clock_offset_ns.unwrap().unsigned_abs() < 100_000_000);
    assert!(!listed[0].skewed);
    assert!(
        listed[2].problem.contains("refused"),
        "{}",
        listed[2].problem
    );
    assert_eq!(listed[2].source, "flag");
}

#[tokio::test]
async fn a_file_of_peers_is_followed() {
    let a = TestNode::start("a", 10_000).await;
    let b = TestNode::start("b", 10_000).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peers");
    std::fs::write(&path, format!("a=127.0.0.1:{}\n", a.port)).unwrap();
    let relay = TestRelay::with(Config {
        peers_file: Some(path.clone()),
        ..Config::default()
    })
    .await;
    relay.connected(1).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    std::fs::write(
        &path,
        format!("a=127.0.0.1:{}\nb=127.0.0.1:{}\n", a.port, b.port),
    )
    .unwrap();
    loop {
        match stream.status().await.as_str() {
            // Told first if the connection takes longer than the news.
            "unavailable b" => {}
            other => {
                assert_eq!(other, "connected b");
                break;
            }
        }
    }
    // A bad version changes nothing, and is told once.
    std::fs::write(&path, "nonsense\n").unwrap();
    let told = stream.status().await;
    let words = "error relay (the new list of peers is not used, the last one stays: ";
    assert!(told.starts_with(words), "{told}");
    assert!(told.contains("peers:1: "), "{told}");
    let warnings = warnings_of(&relay).await;
    assert!(told.contains(&warnings[0]), "{warnings:?}");
    relay.connected(2).await;
    std::fs::write(&path, format!("b=127.0.0.1:{}\n", b.port)).unwrap();
    assert_eq!(stream.status().await, "gone a");
    relay.connected(1).await;
    let quiet = async {
        while !warnings_of(&relay).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, quiet).await.unwrap();
}

/// What the relay's status says.
async fn warnings_of(relay: &TestRelay) -> Vec<String> {
    let answer = LedgerClient::new(relay.channel.clone())
        .get_ledger(GetLedgerRequest {})
        .await;
    answer.unwrap().into_inner().warnings
}

#[tokio::test]
async fn a_node_tells_of_nodes() {
    let a = TestNode::start("a", 10_000).await;
    let peers = &a.node.peers;
    let node = observer::peers::PeerNode {
        name: "default/a".to_owned(),
        address: format!("127.0.0.1:{}", a.port),
        tls_server_name: None,
    };
    peers.set_own(node);
    let relay = TestRelay::with(Config {
        peer_service: Some(a.address().address),
        ..Config::default()
    })
    .await;
    relay.connected(1).await;
    let nodes = relay
        .client()
        .get_nodes(GetNodesRequest {})
        .await
        .unwrap()
        .into_inner()
        .nodes;
    assert_eq!(nodes[0].name, "a");
}

#[tokio::test]
async fn flapping_peers_leave_nothing_behind() {
    let mut a = TestNode::start("a", 10_000).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peers");
    let with = format!("a=127.0.0.1:{}\nb=127.0.0.1:1\n", a.port);
    let without = format!("a=127.0.0.1:{}\n", a.port);
    std::fs::write(&path, &without).unwrap();
    let relay = TestRelay::with(Config {
        peers_file: Some(path.clone()),
        ..Config::default()
    })
    .await;
    relay.connected(1).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    for _ in 0..3 {
        for text in [&with, &without] {
            std::fs::write(&path, text).unwrap();
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    }
    a.live(7);
    let flow = tokio::time::timeout(LONG, stream.flow()).await.unwrap();
    assert_eq!(flow, "a:7");
    let nodes = relay
        .client()
        .get_nodes(GetNodesRequest {})
        .await
        .unwrap()
        .into_inner()
        .nodes;
    assert_eq!(nodes.len(), 1);
}
