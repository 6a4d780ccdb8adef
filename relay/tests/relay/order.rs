//! Stored flows of many nodes: each once, in the order of time, as its node would have said it.

use proptest::prelude::*;
use prost_types::FieldMask;
use proto::observer::GetFlowsRequest;
use proto::tycho::v1::flows_client::FlowsClient;

use crate::fixture::{TestNode, TestRelay, all, answers, channel, show, time_ns};

/// Times of each node's flows, in milliseconds; no two are alike.
fn times(nodes: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    let owners = proptest::collection::vec(0..nodes, 0..400);
    owners.prop_map(move |owners| {
        let mut times = vec![Vec::new(); nodes];
        for (time, owner) in (1..).zip(owners) {
            times[owner].push(time);
        }
        times
    })
}

async fn nodes_with(times: &[Vec<u64>]) -> Vec<TestNode> {
    let mut nodes = Vec::new();
    for (index, times) in times.iter().enumerate() {
        let mut node = TestNode::start(&format!("n{index}"), 10_000).await;
        for &time in times {
            node.push(u16::try_from(time).unwrap(), time * 1_000_000);
        }
        node.settle(u64::MAX).await;
        nodes.push(node);
    }
    nodes
}

/// What a request must give, worked out plainly.
fn expected(times: &[Vec<u64>], number: u64, first: bool) -> Vec<String> {
    let mut all: Vec<(u64, usize)> = Vec::new();
    for (node, times) in times.iter().enumerate() {
        all.extend(times.iter().map(|&time| (time, node)));
    }
    all.sort_unstable();
    let shown: Vec<String> = all
        .iter()
        .map(|(time, node)| format!("n{node}:{time}"))
        .collect();
    let number = usize::try_from(number).unwrap();
    match number {
        0 => shown,
        _ if first => shown.into_iter().take(number).collect(),
        _ => shown[shown.len().saturating_sub(number)..].to_vec(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]
    #[test]
    fn every_flow_once_and_in_order(times in times(7), number in 0u64..450, first: bool) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let nodes = nodes_with(&times).await;
            let relay = TestRelay::start(&nodes).await;
            for (number, first) in [(0, false), (number, first), (number, !first)] {
                let request = GetFlowsRequest { number, first, ..all() };
                let mut answers = relay.answers(request).await;
                let status = answers.remove(0);
                assert_eq!(show(&status), "connected n0,n1,n2,n3,n4,n5,n6");
                assert!(answers.is_sorted_by_key(time_ns));
                let shown: Vec<String> = answers.iter().map(show).collect();
                assert_eq!(shown, expected(&times, number, first), "{number} {first}");
            }
            relay.end().await;
        });
    }
}

#[tokio::test]
async fn a_flow_says_through_the_relay_what_it_says_on_its_node() {
    let nodes = nodes_with(&[vec![1, 3, 5], vec![2, 4]]).await;
    let relay = TestRelay::start(&nodes).await;
    let masks: [&[&str]; 3] = [&[], &["uuid", "source.labels", "l4"], &["verdict"]];
    for paths in masks {
        let request = GetFlowsRequest {
            field_mask: Some(FieldMask {
                paths: paths.iter().map(|&path| path.to_owned()).collect(),
            }),
            ..all()
        };
        let mut direct = Vec::new();
        for node in &nodes {
            direct.extend(
                answers(&channel(node.port).await, request.clone())
                    .await
                    .unwrap(),
            );
        }
        direct.sort_by_key(time_ns);
        let relayed = relay.answers(request).await;
        assert_eq!(relayed[1..], direct, "{paths:?}");
    }
    let details = async |port| {
        let client = FlowsClient::new(channel(port).await);
        let mut stream = { client }.get_flows(all()).await.unwrap().into_inner();
        let mut found = Vec::new();
        while let Some(answer) = stream.message().await.unwrap() {
            found.extend(answer.tycho);
        }
        found
    };
    let relayed = details(relay.port).await;
    assert_eq!(relayed.len(), 5);
    assert_eq!(
        relayed[0].rule_name,
        "NetworkPolicy/shop/policy-of-n0 ingress[2]"
    );
    let direct = details(nodes[0].port).await;
    let of_first: Vec<_> = relayed.into_iter().step_by(2).collect();
    assert_eq!(of_first, direct);
}
