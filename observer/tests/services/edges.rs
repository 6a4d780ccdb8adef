//! `tycho.v1.Edges` over readings that no kernel made: what is told first, what afterwards, and to whom nothing is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpf_events::edge::{EdgeCell, EdgeKey};
use bpf_events::record::{DIRECTION_EGRESS, DIRECTION_INGRESS, VERDICT_DROPPED, VERDICT_FORWARDED};
use flow::edges::{EdgeId, EdgeNames, EdgeReading, EdgeTotal, PART_EDGES};
use flow::rules::RuleInfo;
use observer::Node;
use policy::{Identities, Identity, LabelSet};
use proto::tycho::v1::edges_client::EdgesClient;
use proto::tycho::v1::{EdgeForm, EdgeKind, EdgesPart, GetEdgesRequest, StreamEdgesRequest};
use tokio_stream::StreamExt;
use tonic::{Code, Streaming};

use crate::fixture::{Fixture, LONG, NODE};
use crate::planned::Files;

const FRONTEND: u32 = 300;
const WORLD: u32 = 2;
const RULE: u32 = 40;

fn total(id: EdgeId, packets: u64) -> EdgeTotal {
    let counts = EdgeCell {
        forward_packets: packets,
        forward_bytes: 60 * packets,
        ..EdgeCell::default()
    };
    EdgeTotal { id, counts }
}

/// What the frontend says to a port of the world.
fn to_world(port: u16) -> EdgeId {
    EdgeId::Edge(EdgeKey {
        source_identity: FRONTEND,
        destination_identity: WORLD,
        protocol: 6,
        port,
        direction: DIRECTION_EGRESS,
        verdict: VERDICT_FORWARDED,
        ..EdgeKey::default()
    })
}

/// What the frontend must not hear from there.
fn dropped() -> EdgeId {
    EdgeId::Edge(EdgeKey {
        source_identity: WORLD,
        destination_identity: FRONTEND,
        protocol: 17,
        port: 53,
        direction: DIRECTION_INGRESS,
        verdict: VERDICT_DROPPED,
        reason: 133,
        rule: RULE,
        ..EdgeKey::default()
    })
}

fn publish(node: &Node, totals: Vec<EdgeTotal>) {
    let mut identities = Identities::new();
    let labels = LabelSet::parse(["k8s:role=frontend"]).unwrap();
    identities.insert(Identity(FRONTEND), labels).unwrap();
    let names = EdgeNames {
        identities: Arc::new(identities),
        rules: node.names.rules.snapshot(),
        endpoints: BTreeMap::from([(9, vec!["shop/frontend-1".to_owned()])]),
    };
    let times = (5_000_000_000, 7_000_000_000);
    let name = node.names.node_name.clone();
    let reading = EdgeReading::new(name, node.names.epoch, times, totals, names);
    node.edges.publish(reading);
}

async fn next(stream: &mut Streaming<EdgesPart>) -> Option<EdgesPart> {
    let next = tokio::time::timeout(LONG, stream.next()).await;
    next.expect("it comes").transpose().unwrap()
}

async fn node_with_a_rule() -> Fixture {
    let fixture = Fixture::new(1).await;
    let info = RuleInfo {
        index: Some(2),
        direction: DIRECTION_INGRESS,
        action: flow::rules::RuleAction::Deny,
        description: "a rule".to_owned(),
        ..RuleInfo::default()
    };
    fixture.node.names.rules.set(RULE, info).unwrap();
    fixture
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_every_total_and_what_its_numbers_mean() {
    let fixture = node_with_a_rule().await;
    let totals = vec![
        total(dropped(), 3),
        total(to_world(80), 2),
        total(to_world(81), 0),
        total(EdgeId::Other(9), 4),
        total(EdgeId::Forgotten, 5),
    ];
    publish(&fixture.node, totals);
    let mut client = EdgesClient::new(fixture.channel.clone());
    let mut get = async |form: EdgeForm| {
        let request = GetEdgesRequest { form: form.into() };
        let mut stream = client.get_edges(request).await.unwrap().into_inner();
        let part = next(&mut stream).await.unwrap();
        assert!(part.whole && part.last);
        assert_eq!(next(&mut stream).await, None);
        part
    };
    let part = get(EdgeForm::ByNode).await;
    assert_eq!((part.node_name.as_str(), part.reading), (NODE, 1));
    assert_eq!(part.epoch, fixture.node.names.epoch.number());
    assert_eq!(part.counted_since.unwrap().seconds, 5);
    assert_eq!(part.read_at.unwrap().seconds, 7);
    let labels: BTreeMap<u32, String> = part
        .labels
        .iter()
        .map(|labels| (labels.number, labels.labels.join(",")))
        .collect();
    let expect = [(WORLD, "reserved:world"), (FRONTEND, "k8s:role=frontend")];
    assert_eq!(
        labels,
        expect
            .map(|(number, labels)| (number, labels.to_owned()))
            .into()
    );
    let rule = &part.rules[0];
    assert_eq!((rule.number, rule.section.as_str()), (RULE, "ingressDeny"));
    assert_eq!((rule.index, rule.description.as_str()), (Some(2), "a rule"));
    let told: Vec<_> = part
        .edges
        .iter()
        .map(|edge| {
            let packets = edge.counts.unwrap().forward_packets;
            (edge.kind(), edge.port, edge.slot, packets)
        })
        .collect();
    let expect = [
        (EdgeKind::Edge, 53, 0, 3),
        (EdgeKind::Edge, 80, 0, 2),
        (EdgeKind::Other, 0, 9, 4),
        (EdgeKind::Forgotten, 0, 0, 5),
    ];
    assert_eq!(told, expect);
    assert_eq!(part.edges[2].endpoints, ["shop/frontend-1"]);

    let part = get(EdgeForm::Merged).await;
    assert_eq!(part.unattributed.unwrap().forward_packets, 9);
    let sums = |edge: &proto::tycho::v1::MergedEdge| {
        [edge.forwarded, edge.dropped_at_destination].map(|sum| sum.unwrap().forward_packets)
    };
    let merged: Vec<_> = part.merged.iter().map(sums).collect();
    assert_eq!(merged, [[2, 0], [0, 3]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_what_has_changed_and_large_readings_in_parts() {
    let mut fixture = Fixture::new(1).await;
    let ports = 1..=u16::try_from(PART_EDGES).unwrap() + 10;
    let all = |packets| {
        ports
            .clone()
            .map(move |port| total(to_world(port), packets))
    };
    publish(&fixture.node, all(1).collect());
    let mut client = EdgesClient::new(fixture.channel.clone());
    let mut streams = Vec::new();
    for form in [EdgeForm::ByNode, EdgeForm::Merged] {
        let request = StreamEdgesRequest {
            form: form.into(),
            interval: None,
        };
        let answer = client.stream_edges(request).await.unwrap();
        let mut stream = answer.into_inner();
        let (first, second) = (
            next(&mut stream).await.unwrap(),
            next(&mut stream).await.unwrap(),
        );
        assert!(first.whole && !first.last && second.whole && second.last);
        assert_eq!((first.part, second.part), (0, 1));
        assert_eq!(first.edges.len() + first.merged.len(), PART_EDGES);
        assert_eq!(second.edges.len() + second.merged.len(), 10);
        streams.push(stream);
    }
    // Before the next one is due there are two: the first of them is passed over.
    publish(&fixture.node, all(2).collect());
    let totals = [total(to_world(7), 9), total(to_world(8), 1)];
    publish(&fixture.node, totals.to_vec());
    for stream in &mut streams {
        let (mut told, mut gone) = (Vec::new(), 0);
        loop {
            let part = next(stream).await.unwrap();
            assert!(!part.whole && part.reading == 2);
            told.extend(part.edges.iter().map(|edge| (edge.port, edge.counts)));
            let merged = part.merged.iter().map(|edge| (edge.port, edge.forwarded));
            gone += part.gone.len() + merged.clone().filter(|(_, sum)| sum.is_none()).count();
            told.extend(merged.filter(|(_, sum)| sum.is_some()));
            if part.last {
                break;
            }
        }
        let told: Vec<_> = told
            .iter()
            .map(|(port, counts)| (*port, counts.unwrap().forward_packets))
            .collect();
        assert_eq!((told, gone), (vec![(7, 9)], PART_EDGES + 8));
    }
    let end = async {
        for mut stream in streams {
            assert_eq!(next(&mut stream).await, None);
            stream.trailers().await.expect("the status is OK");
        }
    };
    tokio::join!(end, fixture.end());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_answered() {
    let fixture = Fixture::new(1).await;
    let mut client = EdgesClient::new(fixture.channel.clone());
    let mut refuse = async |request: StreamEdgesRequest, code: Code, expect: &str| {
        let status = client.stream_edges(request).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(status.message().contains(expect), "{status}");
    };
    let nothing = StreamEdgesRequest::default();
    refuse(nothing, Code::Unavailable, "counts no edges").await;
    let form = StreamEdgesRequest { form: 9, ..nothing };
    refuse(form, Code::InvalidArgument, "form: 9").await;
    let interval = Some(prost_types::Duration {
        seconds: -1,
        nanos: 0,
    });
    let backward = StreamEdgesRequest {
        interval,
        ..nothing
    };
    refuse(backward, Code::InvalidArgument, "interval").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_traffic_says_so() {
    let life = Files::new();
    let life = life.start().await;
    let mut client = EdgesClient::new(life.tcp.clone());
    let mut stream = client
        .stream_edges(StreamEdgesRequest::default())
        .await
        .unwrap()
        .into_inner();
    // The control thread reads while somebody follows.
    for reading in 1..=2 {
        let part = next(&mut stream).await.unwrap();
        assert_eq!(
            (part.reading, part.whole, part.last),
            (reading, reading == 1, true)
        );
        assert!(part.edges.is_empty() && part.read_at.is_some());
    }
    drop(stream);
    life.end().await;
}
