//! What was: pages of flows, windows that are counted anew, hints.

use bpf_events::record::{DIRECTION_INGRESS, Record, VERDICT_DROPPED, VERDICT_FORWARDED};
use flow::selection::timestamp;
use observer::pipeline::monotonic_ns;
use proto::flow::FlowFilter;
use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::{
    FlowSelection, GetFlowPageRequest, GetHintsRequest, GetWindowsRequest, HintKind,
};
use tonic::Code;

use crate::fixture::{ENDPOINT, TestNode, store};

use super::{Page, counting, read, verdict, watch};

#[tokio::test]
async fn pages_have_each_flow_once_newest_first() {
    let mut nodes = [
        TestNode::start("a", 1_000).await,
        TestNode::start("b", 1_000).await,
    ];
    let (relay, mut client) = counting(&nodes).await;
    store(&mut nodes, 1..=23, |port| usize::from(port % 2)).await;
    // Several of one time, across the end of a page.
    let now_ns = monotonic_ns();
    for port in 24..=30 {
        nodes[0].push(port, now_ns);
    }
    nodes[0].settle_now().await;
    let mut ports = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let request = GetFlowPageRequest {
            page_size: 4,
            cursor,
            ..GetFlowPageRequest::default()
        };
        let page = client.get_flow_page(request).await.unwrap().into_inner();
        pages += 1;
        for response in page.flows {
            let Some(ResponseTypes::Flow(flow)) = response.response_types else {
                panic!("a page has flows only");
            };
            assert!(response.tycho.is_some(), "with Tycho's details");
            let l4 = flow.l4.and_then(|l4| l4.protocol);
            match l4 {
                Some(proto::flow::layer4::Protocol::Udp(udp)) => ports.push(udp.source_port),
                other => panic!("{other:?}"),
            }
        }
        cursor = page.next;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(pages, 8);
    ports[..7].sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(ports, (1..=30).rev().collect::<Vec<u32>>());
    let request = GetFlowPageRequest {
        cursor: "nonsense".to_owned(),
        ..GetFlowPageRequest::default()
    };
    let refused = client.get_flow_page(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    relay.end().await;
}

#[tokio::test]
async fn what_totals_cannot_tell_apart_is_counted_from_the_flows_that_nodes_hold() {
    let mut nodes = [TestNode::start("a", 1_000).await];
    let (relay, mut client) = counting(&nodes).await;
    for (address, count) in [("10.0.0.1", 3), ("10.0.0.9", 5)] {
        let address: std::net::Ipv4Addr = address.parse().unwrap();
        for _ in 0..count {
            nodes[0].accept(&Record {
                source_address: address.to_ipv6_mapped().octets(),
                ..verdict(DIRECTION_INGRESS, VERDICT_FORWARDED, ENDPOINT, 80)
            });
        }
    }
    nodes[0].settle_now().await;
    let count = |filter: &str| FlowSelection {
        whitelist: vec![FlowFilter {
            source_ip: vec![filter.to_owned()],
            ..FlowFilter::default()
        }],
        ..FlowSelection::default()
    };
    for (filter, expect) in [("10.0.0.9", 5), ("10.0.0.0/24", 8), ("10.1.0.0/16", 0)] {
        let request = GetWindowsRequest {
            since: Some(timestamp(1)),
            counted: Some(count(filter)),
            ..GetWindowsRequest::default()
        };
        let mut parts = client.get_windows(request).await.unwrap().into_inner();
        let mut page = Page::default();
        while let Some(part) = parts.message().await.unwrap() {
            part.definitions
                .into_iter()
                .for_each(|all| page.define(all));
            part.window.iter().for_each(|window| page.window(window));
        }
        assert_eq!(page.connections().values().sum::<u64>(), expect, "{filter}");
    }
    relay.end().await;
}

#[tokio::test]
async fn hints_are_what_was_seen_and_what_is_wrong_is_named() {
    let mut nodes = [TestNode::start("a", 1_000).await];
    let (relay, mut client) = counting(&nodes).await;
    let mut page = Page::default();
    let mut stream = client.watch(watch()).await.unwrap().into_inner();
    nodes[0].accept(&verdict(
        DIRECTION_INGRESS,
        VERDICT_DROPPED,
        ENDPOINT,
        5_432,
    ));
    nodes[0].settle_now().await;
    read(&mut stream, &mut page, |page| !page.series.is_empty()).await;
    let mut hints = async |kind: HintKind, part: &str| {
        let request = GetHintsRequest {
            kind: kind.into(),
            part: part.to_owned(),
            most: 1,
        };
        client
            .get_hints(request)
            .await
            .map(|hints| hints.into_inner().values)
    };
    for (kind, part, expect) in [
        (HintKind::HintPod, "POD", "shop/pod-of-a"),
        (HintKind::HintNamespace, "sh", "shop"),
        (HintKind::HintLabel, "role", "k8s:role=frontend"),
        (HintKind::HintPort, "54", "5432"),
        (
            HintKind::HintRule,
            "policy",
            "NetworkPolicy/shop/policy-of-a ingress[2]",
        ),
        (HintKind::HintDropReason, "denied", "POLICY_DENIED"),
        (HintKind::HintNode, "", "default/a"),
    ] {
        assert_eq!(hints(kind, part).await.unwrap(), [expect], "{kind:?}");
    }
    assert_eq!(hints(HintKind::HintPod, "nobody").await.unwrap(), [""; 0]);
    let refused = hints(HintKind::Unspecified, "").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let refused = client
        .get_windows(GetWindowsRequest::default())
        .await
        .unwrap_err();
    assert!(
        refused.message().contains("since is missing"),
        "{refused:?}"
    );
    drop(stream);
    relay.end().await;
}
