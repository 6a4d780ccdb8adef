//! What pages are told: every connection once, in windows of which none comes twice and none is missing.

use std::collections::BTreeMap;
use std::time::Duration;

use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, KIND_POLICY_VERDICT, REASON_POLICY_DENIED,
    Record, VERDICT_DROPPED, VERDICT_FORWARDED,
};
use daemon::tasks::Tasks;
use flow::selection::timestamp;
use observer::pipeline::monotonic_ns;
use proto::flow::{FlowFilter, Verdict};
use proto::tycho::v1::dashboard_client::DashboardClient;
use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::watch_event::Event;
use proto::tycho::v1::{
    Definitions, FlowSelection, GetFlowPageRequest, GetHintsRequest, GetWindowsRequest, HintKind,
    LabelSetDefinition, SeriesDefinition, WatchEvent, WatchRequest, Window,
};
use relay::Config;
use relay::page::{PageConfig, PageListen};
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use crate::edges::publish;
use crate::fixture::{ENDPOINT, LONG, TestNode, TestRelay, channel, record, store};

/// Metadata index of the world.
const WORLD: u32 = 2;

async fn counting(nodes: &[TestNode]) -> (TestRelay, DashboardClient<Channel>) {
    let relay = TestRelay::with(Config {
        peers: nodes.iter().map(TestNode::address).collect(),
        dashboard: true,
        ..Config::default()
    })
    .await;
    relay.connected(nodes.len()).await;
    let client = DashboardClient::new(relay.channel.clone());
    (relay, client)
}

/// A verdict about a connection of the endpoint with somebody.
fn verdict(direction: u8, verdict: u8, destination: u32, port: u16) -> Record {
    Record {
        kind: KIND_POLICY_VERDICT,
        direction,
        verdict,
        reason: if verdict == VERDICT_DROPPED {
            REASON_POLICY_DENIED
        } else {
            0
        },
        destination_metadata: destination,
        destination_identity: if destination == WORLD { 2 } else { 300 },
        destination_port: port,
        ..record(40_000, monotonic_ns())
    }
}

/// What a page knows.
#[derive(Default)]
struct Page {
    epoch: u64,
    label_sets: BTreeMap<u32, LabelSetDefinition>,
    series: BTreeMap<u32, SeriesDefinition>,
    rules: BTreeMap<u32, String>,
    /// Connections, packets and bytes by series.
    sums: BTreeMap<u32, [u64; 3]>,
    last_sequence: u64,
    first_sequence: Option<u64>,
    flows: u64,
    skipped: u64,
    early: BTreeMap<u32, [u64; 3]>,
}

impl Page {
    fn define(&mut self, definitions: Definitions) {
        self.epoch = definitions.epoch;
        for each in definitions.label_sets {
            self.label_sets.insert(each.number, each);
        }
        for each in definitions.series {
            self.series.insert(each.number, each);
        }
        for each in definitions.rules {
            self.rules.insert(each.number, each.description);
        }
    }

    fn window(&mut self, window: &Window) {
        for (series, counts) in cells(&window.cells) {
            assert!(self.series.contains_key(&series), "it was told before");
            let sum = self.sums.entry(series).or_default();
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        if self.last_sequence > 0 {
            assert_eq!(
                window.first_sequence,
                self.last_sequence + 1,
                "none is missing"
            );
        }
        self.first_sequence.get_or_insert(window.first_sequence);
        self.last_sequence = window.last_sequence;
    }

    fn take(&mut self, event: WatchEvent) {
        match event.event.expect("an event is something") {
            Event::Definitions(definitions) => self.define(definitions),
            Event::Window(window) => self.window(&window),
            Event::EarlyDrops(drops) => self.early = cells(&drops.cells).collect(),
            Event::Flows(tail) => {
                self.flows += tail.flows.len() as u64;
                self.skipped += tail.skipped;
            }
            Event::Status(status) => assert!(!status.nodes.is_empty()),
        }
    }

    /// Connections of all series that count, by verdict, port and words of the rule.
    fn connections(&self) -> BTreeMap<(Verdict, u32, String), u64> {
        let mut connections = BTreeMap::new();
        for (number, [count, ..]) in &self.sums {
            let series = &self.series[number];
            if series.counts && *count > 0 {
                let rule = self.rules.get(&series.rule).cloned().unwrap_or_default();
                *connections
                    .entry((series.verdict(), series.port, rule))
                    .or_default() += count;
            }
        }
        connections
    }

    fn packets(&self) -> u64 {
        let counted = self
            .sums
            .iter()
            .filter(|(number, _)| self.series[number].counts);
        counted.map(|(_, [_, packets, _])| packets).sum()
    }
}

fn cells(cells: &[u8]) -> impl Iterator<Item = (u32, [u64; 3])> {
    let mut rest = cells;
    let mut series = 0;
    std::iter::from_fn(move || {
        let mut next = || prost::encoding::decode_varint(&mut rest).ok();
        series += next()?;
        let counts = [next()?, next()?, next()?];
        Some((u32::try_from(series).unwrap(), counts))
    })
}

/// Says again and again, as drains do, that nothing older will come.
async fn beat(nodes: &mut [TestNode]) -> std::convert::Infallible {
    loop {
        nodes.iter_mut().for_each(TestNode::beat);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads a stream until the page knows enough.
async fn read(
    stream: &mut Streaming<WatchEvent>,
    page: &mut Page,
    is_enough: impl Fn(&Page) -> bool,
) {
    let reading = async {
        while !is_enough(page) {
            page.take(stream.message().await.unwrap().expect("it goes on"));
        }
    };
    if tokio::time::timeout(LONG, reading).await.is_err() {
        panic!(
            "not enough comes: {:?}, {} packets",
            page.connections(),
            page.packets()
        );
    }
}

fn watch() -> WatchRequest {
    WatchRequest {
        flows_per_second: 20,
        ..WatchRequest::default()
    }
}

#[tokio::test]
async fn each_connection_counts_once_and_each_window_comes_once() {
    let mut nodes = [
        TestNode::start("a", 1_000).await,
        TestNode::start("b", 1_000).await,
    ];
    publish(
        &nodes[0],
        300,
        &[(DIRECTION_INGRESS, VERDICT_FORWARDED, 10)],
    );
    let (relay, mut client) = counting(&nodes).await;
    let mut page = Page::default();
    let mut stream = client.watch(watch()).await.unwrap().into_inner();
    read(&mut stream, &mut page, |page| page.last_sequence > 0).await;

    for record in [
        // To an endpoint: it counts where it arrives.
        verdict(DIRECTION_EGRESS, VERDICT_FORWARDED, ENDPOINT, 80),
        verdict(DIRECTION_EGRESS, VERDICT_FORWARDED, ENDPOINT, 80),
        // To the world nobody else counts.
        verdict(DIRECTION_EGRESS, VERDICT_FORWARDED, WORLD, 443),
        verdict(DIRECTION_EGRESS, VERDICT_DROPPED, ENDPOINT, 5432),
    ] {
        nodes[0].accept(&record);
    }
    nodes[1].accept(&verdict(DIRECTION_INGRESS, VERDICT_FORWARDED, ENDPOINT, 80));
    nodes[1].accept(&verdict(DIRECTION_INGRESS, VERDICT_DROPPED, ENDPOINT, 80));
    // The drop of the verdict, and seven that were not told by themselves.
    nodes[1].accept(&Record {
        kind: KIND_DROP,
        packets: 8,
        ..verdict(DIRECTION_INGRESS, VERDICT_DROPPED, ENDPOINT, 80)
    });
    // It is no new connection.
    nodes[1].push(41_000, monotonic_ns());
    publish(
        &nodes[0],
        300,
        &[(DIRECTION_INGRESS, VERDICT_FORWARDED, 25)],
    );
    let all = |page: &Page| page.connections().values().sum::<u64>() >= 11 && page.packets() >= 15;
    tokio::select! {
        never = beat(&mut nodes) => match never {},
        () = read(&mut stream, &mut page, all) => {}
    }
    let rule = |node: &str| format!("NetworkPolicy/shop/policy-of-{node} ingress[2]");
    let expect = [
        ((Verdict::Forwarded, 80, rule("b")), 1),
        ((Verdict::Forwarded, 443, rule("a")), 1),
        ((Verdict::Dropped, 80, rule("b")), 8),
        ((Verdict::Dropped, 5_432, rule("a")), 1),
    ];
    assert_eq!(page.connections(), BTreeMap::from(expect));
    assert_eq!(page.packets(), 15, "what was there before is not counted");
    // The policy verdicts, a drop and a trace.
    assert_eq!(page.flows + page.skipped, 8);

    // Another stream goes on where the first has ended.
    drop(stream);
    let (epoch, after) = (page.epoch, page.last_sequence);
    nodes[1].accept(&verdict(DIRECTION_INGRESS, VERDICT_FORWARDED, ENDPOINT, 80));
    nodes[1].settle_now().await;
    let again = WatchRequest {
        epoch,
        after,
        ..WatchRequest::default()
    };
    let mut stream = client.watch(again).await.unwrap().into_inner();
    let more = |page: &Page| page.connections().values().sum::<u64>() >= 12;
    tokio::select! {
        never = beat(&mut nodes) => match never {},
        () = read(&mut stream, &mut page, more) => {}
    }
    assert_eq!(page.connections()[&(Verdict::Forwarded, 80, rule("b"))], 2);

    // The past has the same.
    let mut past = Page::default();
    let request = GetWindowsRequest {
        since: Some(timestamp(1)),
        ..GetWindowsRequest::default()
    };
    let mut parts = client.get_windows(request).await.unwrap().into_inner();
    let mut extent = None;
    while let Some(part) = parts.message().await.unwrap() {
        part.definitions
            .into_iter()
            .for_each(|all| past.define(all));
        part.window.iter().for_each(|window| past.window(window));
        extent = extent.or(part.extent);
    }
    assert_eq!(past.connections(), page.connections());
    assert!(extent.expect("it is told").resolution_ms >= 1_000);
    drop((stream, parts));
    relay.end().await;
}

#[tokio::test]
async fn drops_come_before_their_second_is_over_and_flows_are_thinned_out_by_count() {
    let mut nodes = [TestNode::start("a", 1_000).await];
    let (relay, mut client) = counting(&nodes).await;
    let mut page = Page::default();
    let request = WatchRequest {
        flows_per_second: 4,
        ..WatchRequest::default()
    };
    let mut stream = client.watch(request).await.unwrap().into_inner();
    read(&mut stream, &mut page, |page| page.last_sequence > 0).await;
    for _ in 0..50 {
        nodes[0].accept(&verdict(DIRECTION_INGRESS, VERDICT_DROPPED, ENDPOINT, 80));
    }
    nodes[0].settle_now().await;
    let told = |page: &Page| page.flows + page.skipped == 50 && !page.early.is_empty();
    read(&mut stream, &mut page, told).await;
    assert!((1..50).contains(&page.flows), "{}", page.flows);
    let early: u64 = page
        .early
        .values()
        .map(|[connections, ..]| connections)
        .sum();
    assert_eq!(early, 50);
    drop(stream);
    relay.end().await;
}

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

#[tokio::test]
async fn a_relay_without_a_page_counts_nothing_and_says_so() {
    let nodes = [TestNode::start("a", 10).await];
    let config = Config {
        peers: nodes.iter().map(TestNode::address).collect(),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        page: PageConfig {
            listen: PageListen::At(Vec::new()),
            ..PageConfig::default()
        },
        ..Config::default()
    };
    let tasks = Tasks::new();
    let bound = relay::bind(&config).await.unwrap();
    let port = bound.api[0].tcp_address().unwrap().port();
    tasks.spawn("relay", relay::serve(config, bound, tasks.clone()));
    let mut client = DashboardClient::new(channel(port).await);
    let refused = client.watch(watch()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("--page"), "{refused:?}");
    drop(client);
    tasks.shutdown(LONG).await.unwrap();
}
