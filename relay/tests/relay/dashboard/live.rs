//! A stream that follows.

use std::collections::BTreeMap;

use bpf_events::record::{
    DIRECTION_EGRESS, DIRECTION_INGRESS, KIND_DROP, Record, VERDICT_DROPPED, VERDICT_FORWARDED,
};
use daemon::tasks::Tasks;
use flow::selection::timestamp;
use observer::pipeline::monotonic_ns;
use proto::flow::Verdict;
use proto::tycho::v1::dashboard_client::DashboardClient;
use proto::tycho::v1::{GetWindowsRequest, WatchRequest};
use relay::Config;
use relay::page::{PageConfig, PageListen};
use tonic::Code;

use crate::edges::publish;
use crate::fixture::{ENDPOINT, LONG, TestNode, channel};

use super::{Page, WORLD, beat, counting, read, verdict, watch};

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
