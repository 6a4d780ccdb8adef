//! Clocks that disagree: within the bound by their own times, beyond it by corrected ones, and named.

use relay::Config;

use crate::fixture::{TestNode, TestRelay, follow, named};

#[tokio::test]
async fn a_clock_beyond_the_bound_is_set_right_and_named() {
    for (offset_s, way) in [(2_i64, "ahead of"), (-120, "behind")] {
        let mut a = TestNode::start("a", 10_000).await;
        let mut b = TestNode::start_at("b", 10_000, offset_s * 1_000_000_000, 0).await;
        let relay = TestRelay::with(Config {
            peers: vec![named("a", a.port), named("b", b.port)],
            ..Config::default()
        })
        .await;
        relay.connected(2).await;
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
            other.beat();
            assert_eq!(stream.flow().await, format!("{}:{port}", one.name));
            // Further apart than the estimate may be wrong.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_clock_within_the_bound_is_believed() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start_at("b", 10_000, -200_000_000, 0).await;
    let relay = TestRelay::with(Config {
        peers: vec![named("a", a.port), named("b", b.port)],
        ..Config::default()
    })
    .await;
    relay.connected(2).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    a.live(1);
    // By its own clock it was earlier.
    b.live(2);
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        a.beat();
        b.beat();
    }
    assert_eq!(stream.flow().await, "b:2");
    assert_eq!(stream.flow().await, "a:1");
}
