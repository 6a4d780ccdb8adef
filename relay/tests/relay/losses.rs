//! What a node has lost is told through the relay, as counted.

use proto::observer::GetFlowsRequest;

use crate::fixture::{TestNode, TestRelay, all, flows, follow, show};

#[tokio::test]
async fn losses_of_the_kernel_pass_filters_and_numbers() {
    let mut nodes = vec![
        TestNode::start("a", 10_000).await,
        TestNode::start("b", 10_000).await,
    ];
    nodes[0].push(1, 1_000_000);
    nodes[1].push(2, 2_000_000);
    nodes[0]
        .inlet
        .as_mut()
        .unwrap()
        .lost_in_kernel(3, 77, 1_500_000, 2_500_000);
    nodes[0].settle(10_000_000).await;
    nodes[0].push(3, 30_000_000);
    for node in &mut nodes {
        node.settle(u64::MAX).await;
    }
    let relay = TestRelay::start(&nodes).await;
    let request = GetFlowsRequest { number: 1, ..all() };
    let shown: Vec<String> = relay.answers(request).await.iter().map(show).collect();
    assert_eq!(shown.last().unwrap(), "a:3");
    let shown: Vec<String> = relay.answers(all()).await.iter().map(show).collect();
    assert!(shown.contains(&"lost 77".to_owned()), "{shown:?}");
    assert_eq!(flows(&relay.answers(all()).await).count(), 3);
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_by_count() {
    // A node that holds few flows, and more than the way to a stalled client takes.
    let mut nodes = vec![TestNode::start("a", 4_096).await];
    let relay = TestRelay::start(&nodes).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a");
    nodes[0].live(1);
    assert_eq!(stream.flow().await, "a:1");
    const FLOWS: u64 = 200_000;
    for batch in 0..FLOWS / 1_000 {
        for _ in 0..1_000 {
            nodes[0].push(2, observer::pipeline::monotonic_ns());
        }
        nodes[0].settle_now().await;
        assert!(batch < FLOWS);
    }
    nodes[0].live(3);
    let (mut read, mut lost) = (0, 0);
    loop {
        let flow = stream.flow().await;
        if let Some(count) = flow.strip_prefix("lost ") {
            lost += count.parse::<u64>().unwrap();
        } else if flow == "a:3" {
            break;
        } else {
            read += 1;
        }
    }
    assert_eq!(read + lost, FLOWS);
    assert!(lost > 0, "the client was meant to be too slow");
}
