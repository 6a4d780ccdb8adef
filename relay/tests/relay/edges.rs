//! Totals of edges of several nodes: as each says them, and as sums in which each connection counts once.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_events::edge::{EDGE_OTHER_END_MANAGED, EdgeCell, EdgeKey};
use bpf_events::record::{DIRECTION_EGRESS, DIRECTION_INGRESS, VERDICT_DROPPED, VERDICT_FORWARDED};
use flow::edges::{EdgeId, EdgeNames, EdgeReading, EdgeTotal};
use policy::{Identities, Identity, LabelSet};
use proto::tycho::v1::edges_client::EdgesClient;
use proto::tycho::v1::{EdgeForm, EdgesPart, GetEdgesRequest, MergedEdge, StreamEdgesRequest};
use relay::Config;
use tonic::Streaming;

use crate::fixture::{LONG, TestNode, TestRelay, named};

const ROLES: [&str; 2] = ["frontend", "backend"];

/// What a node's kernel would say: hook, verdict and packets from the frontend to the backend. The first role has the
/// number `first` there.
pub(crate) fn publish(node: &TestNode, first: u32, edges: &[(u8, u8, u64)]) {
    let mut identities = Identities::new();
    for (number, role) in (first..).zip(ROLES) {
        let labels = LabelSet::parse([format!("k8s:role={role}")]).unwrap();
        identities.insert(Identity(number), labels).unwrap();
    }
    let total = |&(direction, verdict, packets): &(u8, u8, u64)| EdgeTotal {
        id: EdgeId::Edge(EdgeKey {
            source_identity: first,
            destination_identity: first + 1,
            protocol: 6,
            port: 80,
            direction,
            verdict,
            reason: if verdict == VERDICT_DROPPED { 133 } else { 0 },
            flags: if verdict == VERDICT_DROPPED {
                0
            } else {
                EDGE_OTHER_END_MANAGED
            },
            ..EdgeKey::default()
        }),
        counts: EdgeCell {
            forward_packets: packets,
            ..EdgeCell::default()
        },
    };
    let names = EdgeNames {
        identities: Arc::new(identities),
        rules: node.node.names.rules.snapshot(),
        endpoints: BTreeMap::new(),
    };
    let names_of = &node.node.names;
    let times = (5, node.node.wall_ns());
    let totals = edges.iter().map(total).collect();
    let reading = EdgeReading::new(
        names_of.node_name.clone(),
        names_of.epoch,
        times,
        totals,
        names,
    );
    node.node.edges.publish(reading);
}

async fn next(stream: &mut Streaming<EdgesPart>) -> Option<EdgesPart> {
    let next = tokio::time::timeout(LONG, stream.message()).await;
    next.expect("something comes").unwrap()
}

async fn get(relay: &TestRelay, form: EdgeForm) -> Vec<EdgesPart> {
    let mut client = EdgesClient::new(relay.channel.clone());
    let request = GetEdgesRequest { form: form.into() };
    let mut stream = client.get_edges(request).await.unwrap().into_inner();
    let mut parts = Vec::new();
    while let Some(part) = next(&mut stream).await {
        parts.push(part);
    }
    parts
}

/// News of nodes in some parts.
fn news(parts: &[EdgesPart]) -> Vec<String> {
    let news = parts.iter().flat_map(|part| &part.node_status);
    let news = news.filter(|status| !status.node_names.is_empty());
    news.map(|status| {
        format!(
            "{} {}",
            status.state_change().as_str_name(),
            status.node_names.join(",")
        )
    })
    .collect()
}

/// Forwarded, and dropped at the destination.
fn sums(edge: &MergedEdge) -> [u64; 2] {
    [edge.forwarded, edge.dropped_at_destination]
        .map(|sum| sum.map_or(0, |sum| sum.forward_packets))
}

#[tokio::test]
async fn each_node_for_itself_and_all_together() {
    let (a, b) = (
        TestNode::start("a", 10).await,
        TestNode::start("b", 10).await,
    );
    publish(&a, 300, &[(DIRECTION_EGRESS, VERDICT_FORWARDED, 12)]);
    let on_b = [
        (DIRECTION_INGRESS, VERDICT_FORWARDED, 10),
        (DIRECTION_INGRESS, VERDICT_DROPPED, 2),
    ];
    publish(&b, 400, &on_b);
    let nowhere = 1;
    let relay = TestRelay::over(
        vec![named("a", a.port), named("b", b.port), named("c", nowhere)],
        2,
    )
    .await;
    let parts = get(&relay, EdgeForm::ByNode).await;
    assert_eq!(news(&parts), ["NODE_CONNECTED a,b", "NODE_UNAVAILABLE c"]);
    let mut told: Vec<(String, u32, u64)> = parts
        .iter()
        .flat_map(|part| part.edges.iter().map(move |edge| (part, edge)))
        .map(|(part, edge)| {
            let packets = edge.counts.unwrap().forward_packets;
            (part.node_name.clone(), edge.source, packets)
        })
        .collect();
    told.sort();
    let expect = [
        ("default/a", 300, 12),
        ("default/b", 400, 2),
        ("default/b", 400, 10),
    ];
    let expect = expect.map(|(node, source, packets)| (node.to_owned(), source, packets));
    assert_eq!(told, expect);

    let parts = get(&relay, EdgeForm::Merged).await;
    assert_eq!(news(&parts), ["NODE_UNAVAILABLE c"]);
    assert!(parts.len() == 1 && parts[0].whole && parts[0].last);
    assert_eq!(
        parts[0].merged.iter().map(sums).collect::<Vec<_>>(),
        [[10, 2]]
    );
    assert_eq!(parts[0].merged[0].decisions.len(), 3);
    let labels: Vec<String> = parts[0]
        .labels
        .iter()
        .map(|labels| labels.labels.join(","))
        .collect();
    assert_eq!(labels, ["k8s:role=frontend", "k8s:role=backend"]);

    // A relay above says the same.
    let above = TestRelay::with(Config {
        name: "above".to_owned(),
        peers: vec![named("below", relay.port)],
        ..Config::default()
    })
    .await;
    above.connected(1).await;
    let parts = get(&above, EdgeForm::Merged).await;
    assert_eq!(
        parts[0].merged.iter().map(sums).collect::<Vec<_>>(),
        [[10, 2]]
    );
}

#[tokio::test]
async fn sums_are_followed_while_nodes_end_and_come_back() {
    let nodes = [
        TestNode::start("a", 10).await,
        TestNode::start("b", 10).await,
    ];
    publish(&nodes[0], 300, &[(DIRECTION_EGRESS, VERDICT_FORWARDED, 5)]);
    publish(&nodes[1], 400, &[(DIRECTION_INGRESS, VERDICT_FORWARDED, 5)]);
    let relay = TestRelay::start(&nodes).await;
    let [a, b] = nodes;
    let mut client = EdgesClient::new(relay.channel.clone());
    let request = StreamEdgesRequest {
        form: EdgeForm::Merged.into(),
        interval: None,
    };
    // Two clients share what the nodes are asked for.
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = client.stream_edges(request).await.unwrap().into_inner();
        let first = next(&mut stream).await.unwrap();
        assert!(first.whole && first.last && news(std::slice::from_ref(&first)).is_empty());
        assert_eq!(first.merged.iter().map(sums).collect::<Vec<_>>(), [[5, 0]]);
        streams.push(stream);
    }
    let mut until = async |expect: [u64; 2]| {
        let mut told = Vec::new();
        for stream in &mut streams {
            loop {
                let part = next(stream).await.unwrap();
                let found = part.merged.iter().map(sums).any(|sums| sums == expect);
                told.push(part);
                if found {
                    break;
                }
            }
        }
        told
    };
    publish(&b, 400, &[(DIRECTION_INGRESS, VERDICT_FORWARDED, 9)]);
    let told = until([9, 0]).await;
    assert!(told.iter().all(|part| !part.whole));
    // What a node that has ended has counted still counts; it comes back with other numbers.
    let port = b.end().await;
    publish(
        &a,
        300,
        &[
            (DIRECTION_EGRESS, VERDICT_DROPPED, 1),
            (DIRECTION_EGRESS, VERDICT_FORWARDED, 9),
        ],
    );
    let told = until([9, 0]).await;
    let at_source = told.last().unwrap().merged[0].dropped_at_source;
    assert_eq!(at_source.unwrap().forward_packets, 1);
    let b = TestNode::start_at("b", 10, 0, port).await;
    publish(&b, 500, &[(DIRECTION_INGRESS, VERDICT_FORWARDED, 20)]);
    let told = until([20, 0]).await;
    let told = news(&told);
    assert!(told.contains(&"NODE_CONNECTED b".to_owned()), "{told:?}");
    let end = async {
        for stream in &mut streams {
            while next(stream).await.is_some() {}
        }
        drop(streams);
    };
    tokio::join!(end, relay.end());
}
