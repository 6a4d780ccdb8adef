//! Relays over relays: the same flows, the same order, the same losses.

use std::time::Duration;

use proto::observer::GetFlowsRequest;
use proto::tycho::v1::dashboard_client::DashboardClient;
use proto::tycho::v1::{
    ExplainFlowRequest, GetAllEndpointsRequest, GetAllPoliciesRequest, GetPolicyTextRequest,
    PolicyName,
};
use relay::Config;
use tonic::Code;

use crate::fixture::{
    TestNode, TestRelay, all, channel, flows, follow, named, show, store, time_ns,
};

async fn tree() -> (Vec<TestNode>, Vec<TestRelay>, TestRelay) {
    let mut nodes = Vec::new();
    for name in ["a", "b", "c", "d"] {
        nodes.push(TestNode::start(name, 10_000).await);
    }
    let mut below = Vec::new();
    for pair in nodes.chunks(2) {
        below.push(TestRelay::start(pair).await);
    }
    let top = TestRelay::with(Config {
        name: "top".to_owned(),
        peers: vec![named("left", below[0].port), named("right", below[1].port)],
        ..Config::default()
    })
    .await;
    top.connected(2).await;
    (nodes, below, top)
}

#[tokio::test]
async fn stored_flows_and_those_that_follow() {
    let (mut nodes, below, top) = tree().await;
    store(&mut nodes, 1..=40, |port| usize::from(port % 4)).await;
    let answers = top.answers(all()).await;
    let times: Vec<u64> = answers
        .iter()
        .filter(|answer| show(answer).contains(':'))
        .map(time_ns)
        .collect();
    assert_eq!(times.len(), 40);
    assert!(times.is_sorted());
    let mut direct = Vec::new();
    for relay in &below {
        direct.extend(relay.answers(all()).await);
    }
    direct.sort_by_key(time_ns);
    assert!(flows(&answers).eq(flows(&direct)));
    let last = GetFlowsRequest {
        number: 3,
        ..follow()
    };
    let mut stream = top.stream(last).await;
    for expect in ["c:38", "d:39", "a:40"] {
        assert_eq!(stream.flow().await, expect);
    }
    for port in 41..=60 {
        nodes[usize::from(port % 4)].live(port);
        nodes.iter_mut().for_each(TestNode::beat);
        let name = ["a", "b", "c", "d"][usize::from(port % 4)];
        assert_eq!(stream.flow().await, format!("{name}:{port}"));
    }
}

#[tokio::test]
async fn what_happens_below_is_told_above() {
    let (mut nodes, _below, top) = tree().await;
    let mut stream = top.stream(follow()).await;
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(stream.status().await);
    }
    told.sort();
    assert_eq!(
        told,
        ["connected a,b", "connected c,d", "connected left,right"]
    );
    nodes.remove(3).end().await;
    assert_eq!(stream.status().await, "unavailable d");
    nodes[0].live(1);
    nodes.iter_mut().for_each(TestNode::beat);
    assert_eq!(stream.flow().await, "a:1");
}

#[tokio::test]
async fn circles_are_refused() {
    let a = TestNode::start("a", 10_000).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peers");
    std::fs::write(&path, format!("a=127.0.0.1:{}\n", a.port)).unwrap();
    let one = TestRelay::with(Config {
        name: "one".to_owned(),
        peers_file: Some(path.clone()),
        ..Config::default()
    })
    .await;
    let two = TestRelay::with(Config {
        name: "two".to_owned(),
        peers: vec![named("one", one.port)],
        ..Config::default()
    })
    .await;
    two.connected(1).await;
    // One is told that two is a peer, and that it is one itself.
    let text = format!(
        "a=127.0.0.1:{}\ntwo=127.0.0.1:{}\none=127.0.0.1:{}\n",
        a.port, two.port, one.port
    );
    std::fs::write(&path, text).unwrap();
    one.connected(2).await;
    let answers = tokio::time::timeout(Duration::from_secs(20), two.answers(all()))
        .await
        .unwrap();
    let shown: Vec<String> = answers.iter().map(show).collect();
    assert!(
        shown.iter().any(|line| line.contains("circle")),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_node_that_comes_back_below_after_a_break_above_goes_on_where_it_was() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start("b", 10_000).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peers");
    let one = format!("a=127.0.0.1:{}\n", a.port);
    let both = format!("{one}b=127.0.0.1:{}\n", b.port);
    std::fs::write(&path, &both).unwrap();
    let below = TestRelay::with(Config {
        peers_file: Some(path.clone()),
        ..Config::default()
    })
    .await;
    below.connected(2).await;
    let proxy = crate::late::Proxy::start(below.port).await;
    let top = TestRelay::with(Config {
        name: "top".to_owned(),
        peers: vec![named("below", proxy.port)],
        ..Config::default()
    })
    .await;
    top.connected(1).await;
    let mut stream = top.stream(follow()).await;
    b.live(1);
    a.beat();
    assert_eq!(stream.flow().await, "b:1");
    std::fs::write(&path, &one).unwrap();
    below.connected(1).await;
    b.live(2);
    a.live(3);
    assert_eq!(stream.flow().await, "a:3");
    proxy.cut();
    a.live(4);
    assert_eq!(stream.flow().await, "a:4");
    std::fs::write(&path, &both).unwrap();
    let next = async {
        loop {
            a.beat();
            b.beat();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        flow = stream.flow() => assert_eq!(flow, "b:2"),
        () = next => {}
    }
}

#[tokio::test]
async fn what_nodes_say_of_themselves_comes_through_the_relays_between() {
    let (nodes, below, top) = tree().await;
    let mut client = DashboardClient::new(channel(top.port).await);
    let endpoints = client.get_all_endpoints(GetAllEndpointsRequest {}).await;
    let endpoints = endpoints.unwrap().into_inner();
    let policies = client.get_all_policies(GetAllPoliciesRequest {}).await;
    let policies = policies.unwrap().into_inner();
    // These nodes have none, and each says so itself.
    let has_none = "shows flows only";
    for said in [&endpoints.node_status, &policies.node_status] {
        let names = said.iter().flat_map(|status| &status.node_names);
        assert!(names.eq(["a", "b", "c", "d"]), "{said:?}");
        assert!(said.iter().all(|status| status.message.contains(has_none)));
    }
    let name = PolicyName {
        kind: "NetworkPolicy".into(),
        namespace: "shop".into(),
        name: "none".into(),
    };
    let request = GetPolicyTextRequest { name: Some(name) };
    let refused = client.get_policy_text(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert!(refused.message().contains(has_none), "{refused}");
    let request = ExplainFlowRequest {
        flow: "none".to_owned(),
        node_name: "default/a".to_owned(),
    };
    let refused = client.explain_flow(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    top.end().await;
    for relay in below {
        relay.end().await;
    }
    drop(nodes);
}
