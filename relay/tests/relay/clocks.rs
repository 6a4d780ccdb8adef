//! Clocks that disagree: within the bound by their own times, beyond it by corrected ones, and named.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use daemon::tasks::Tasks;
use observer::pipeline::monotonic_ns;
use proto::observer::GetFlowsRequest;
use relay::Config;

use crate::fixture::{TestNode, TestRelay, all, flows, follow, named};
use crate::heartbeats::Heartbeats;
use crate::shown::source_port;

const MS: i64 = 1_000_000;

#[tokio::test]
async fn a_clock_beyond_the_bound_is_set_right_and_named() {
    for (offset_s, way) in [(2_i64, "ahead of"), (-120, "behind")] {
        let mut a = TestNode::start("a", 10_000).await;
        let mut b = TestNode::start_at("b", 10_000, offset_s * 1_000_000_000, 0).await;
        let relay = TestRelay::over(vec![named("a", a.port), named("b", b.port)], 2).await;
        let mut stream = relay.stream(follow()).await;
        assert_eq!(stream.status().await, "connected a,b");
        let skewed = stream.status().await;
        assert!(
            skewed.starts_with("error b (skewed: its clock is "),
            "{skewed}"
        );
        assert!(skewed.contains(way), "{skewed}");
        for port in 1..40 {
            let (one, other) = if port % 2 == 0 {
                (&mut a, &mut b)
            } else {
                (&mut b, &mut a)
            };
            one.live(port);
            let expect = format!("{}:{port}", one.name);
            let next = async { assert_eq!(stream.flow().await, expect) };
            while_they_beat(&mut [&mut *one, &mut *other], next).await;
            // Further apart than the estimate may be wrong.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Does it while the drains of these nodes look, as they do all the time.
async fn while_they_beat(nodes: &mut [&mut TestNode], work: impl Future<Output = ()>) {
    let beats = async {
        loop {
            nodes.iter_mut().for_each(|node| node.beat());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = beats => {}
    }
}

#[tokio::test]
async fn a_clock_within_the_bound_is_believed() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start_at("b", 10_000, -200_000_000, 0).await;
    let relay = TestRelay::over(vec![named("a", a.port), named("b", b.port)], 2).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    a.live(1);
    // By its own clock it was earlier.
    b.live(2);
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        a.beat();
        b.beat();
    }
    assert_eq!(stream.flow().await, "b:2");
    assert_eq!(stream.flow().await, "a:1");
}

#[tokio::test]
async fn a_clock_that_is_known_better_later_is_set_right_then() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start_at("b", 10_000, 2_000 * MS, 0).await;
    let tasks = Tasks::new();
    // It could also be the answer of a clock within the bound.
    let slow = Heartbeats {
        first_delay: Duration::from_millis(1_700),
        ..Heartbeats::default()
    };
    let slow = slow.of(&b, &tasks).await;
    let relay = TestRelay::over(vec![named("a", a.port), named("b", slow)], 2).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    assert!((ahead_s(&stream.status().await, "b") - 2.0).abs() < 0.2);
    b.live(1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    a.live(2);
    let next = async {
        assert_eq!(stream.flow().await, "b:1");
        assert_eq!(stream.flow().await, "a:2");
    };
    while_they_beat(&mut [&mut a, &mut b], next).await;
}

#[tokio::test]
async fn a_clock_that_is_set_is_told_and_told_again_when_it_is_right() {
    let mut a = TestNode::start("a", 10_000).await;
    let tasks = Tasks::new();
    let heartbeats = Heartbeats::default();
    let ahead_ns = Arc::clone(&heartbeats.ahead_ns);
    let port = heartbeats.of(&a, &tasks).await;
    let relay = TestRelay::over(vec![named("a", port)], 1).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    for (offset_s, flow) in [(60, 1), (-60, 2)] {
        ahead_ns.store(offset_s * 1_000 * MS, Ordering::Relaxed);
        let apart_s = ahead_s(&stream.status().await, "a") - offset_s as f64;
        assert!(apart_s.abs() < 1.0, "{apart_s} s");
        a.live(flow);
        assert_eq!(stream.flow().await, format!("a:{flow}"));
    }
    ahead_ns.store(0, Ordering::Relaxed);
    let told = stream.status().await;
    assert_eq!(told, "connected a (its clock is right again)");
    a.live(3);
    assert_eq!(stream.flow().await, "a:3");
}

/// By how many seconds a node's clock is ahead, as a stream says.
fn ahead_s(told: &str, node: &str) -> f64 {
    let words = told.strip_prefix(&format!("error {node} (skewed: its clock is "));
    let (seconds, way) = words
        .and_then(|words| words.split_once("s "))
        .unwrap_or_else(|| panic!("{told}"));
    let seconds: f64 = seconds.parse().expect("a number");
    if way.starts_with("ahead of") {
        seconds
    } else {
        -seconds
    }
}

#[tokio::test]
async fn a_new_life_is_read_whatever_its_clock_says() {
    for (before_ms, after_ms) in [(2_000, -120_000), (-120_000, 2_000), (0, -300), (400, -400)] {
        let mut a = TestNode::start("a", 10_000).await;
        let mut b = TestNode::start_at("b", 10_000, before_ms * MS, 0).await;
        let relay = TestRelay::over(vec![named("a", a.port), named("b", b.port)], 2).await;
        let mut stream = relay.stream(follow()).await;
        b.live(1);
        a.beat();
        assert_eq!(stream.flow().await, "b:1");
        let port = b.end().await;
        relay.connected(1).await;
        let mut b = TestNode::start_at("b", 10_000, after_ms * MS, port).await;
        // Before the relay is there again, and after.
        b.live(2);
        relay.connected(2).await;
        b.live(3);
        for expect in ["b:2", "b:3"] {
            a.beat();
            assert_eq!(stream.flow().await, expect, "{before_ms}, then {after_ms}");
        }
    }
}

#[tokio::test]
async fn what_is_stored_late_comes_also_over_a_new_connection() {
    let before_ns = monotonic_ns();
    let mut a = TestNode::start("a", 10_000).await;
    let proxy = crate::late::Proxy::start(a.port).await;
    let relay = TestRelay::over(vec![named("a", proxy.port)], 1).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    a.live(1);
    assert_eq!(stream.flow().await, "a:1");
    proxy.cut();
    // Older than what was read, and than the stream.
    a.push(2, before_ns);
    a.live(3);
    assert_eq!(stream.flow().await, "a:2");
    assert_eq!(stream.flow().await, "a:3");
}

#[tokio::test]
async fn times_that_a_client_names_are_set_right_too() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start_at("b", 10_000, -120_000 * MS, 0).await;
    for (node, port) in [(&mut a, 1), (&mut b, 2)] {
        node.live(port);
        node.settle_now().await;
    }
    let relay = TestRelay::over(vec![named("a", a.port), named("b", b.port)], 2).await;
    let above = TestRelay::with(Config {
        name: "above".to_owned(),
        peers: vec![named("below", relay.port)],
        ..Config::default()
    })
    .await;
    above.connected(1).await;
    let minute = Duration::from_secs(60);
    let now = SystemTime::now();
    let check = async |from: &TestRelay, since: SystemTime, until: SystemTime, expect: &[u32]| {
        let request = GetFlowsRequest {
            since: Some(since.into()),
            until: Some(until.into()),
            ..all()
        };
        let answers = from.answers(request).await;
        // They are nearer to each other than the estimate of the clock may be wrong.
        let ports: BTreeSet<u32> = flows(&answers).map(source_port).collect();
        assert_eq!(ports, BTreeSet::from_iter(expect.iter().copied()));
    };
    for from in [&relay, &above] {
        check(from, now - minute, now + minute, &[1, 2]).await;
        check(from, now - 3 * minute, now - minute, &[]).await;
    }
    // Who follows the upper one is asked for flows since then by it.
    let mut stream = above.stream(follow()).await;
    b.live(3);
    a.beat();
    assert_eq!(stream.flow().await, "b:3");
}
