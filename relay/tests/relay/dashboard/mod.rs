//! What pages are told: every connection once, in windows of which none comes twice and none is missing.

mod live;
mod past;

use std::collections::BTreeMap;
use std::time::Duration;

use bpf_events::record::{KIND_POLICY_VERDICT, REASON_POLICY_DENIED, Record, VERDICT_DROPPED};
use observer::pipeline::monotonic_ns;
use proto::flow::Verdict;
use proto::tycho::v1::dashboard_client::DashboardClient;
use proto::tycho::v1::watch_event::Event;
use proto::tycho::v1::{
    Definitions, LabelSetDefinition, SeriesDefinition, WatchEvent, WatchRequest, Window,
};
use relay::Config;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::fixture::{LONG, TestNode, TestRelay, record};

/// Metadata index of the world.
pub(super) const WORLD: u32 = 2;

pub(super) async fn counting(nodes: &[TestNode]) -> (TestRelay, DashboardClient<Channel>) {
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
pub(super) fn verdict(direction: u8, verdict: u8, destination: u32, port: u16) -> Record {
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
pub(super) struct Page {
    pub(super) epoch: u64,
    label_sets: BTreeMap<u32, LabelSetDefinition>,
    pub(super) series: BTreeMap<u32, SeriesDefinition>,
    rules: BTreeMap<u32, String>,
    /// Connections, packets and bytes by series.
    sums: BTreeMap<u32, [u64; 3]>,
    pub(super) last_sequence: u64,
    first_sequence: Option<u64>,
    pub(super) flows: u64,
    pub(super) skipped: u64,
    pub(super) early: BTreeMap<u32, [u64; 3]>,
}

impl Page {
    pub(super) fn define(&mut self, definitions: Definitions) {
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

    pub(super) fn window(&mut self, window: &Window) {
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
    pub(super) fn connections(&self) -> BTreeMap<(Verdict, u32, String), u64> {
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

    pub(super) fn packets(&self) -> u64 {
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
pub(super) async fn beat(nodes: &mut [TestNode]) -> std::convert::Infallible {
    loop {
        nodes.iter_mut().for_each(TestNode::beat);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads a stream until the page knows enough.
pub(super) async fn read(
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

pub(super) fn watch() -> WatchRequest {
    WatchRequest {
        flows_per_second: 20,
        ..WatchRequest::default()
    }
}
