//! Plain Hubble observers among the peers: their bytes pass, in order with everybody else's.

use daemon::tasks::Tasks;
use observer::pipeline::wall_ns;
use prost_types::FieldMask;
use proto::observer::GetFlowsRequest;
use proto::tycho::v1::nodes_client::NodesClient;
use proto::tycho::v1::{ListNodesRequest, NodeKind};

use crate::fixture::{TestNode, TestRelay, all, flows, follow, named, show, time_ns};
use crate::hubble_server::HubbleServer;

pub(crate) async fn mixed(tasks: &Tasks) -> (HubbleServer, TestNode, TestRelay) {
    let (hubble, port) = HubbleServer::start(tasks).await;
    let node = TestNode::start("a", 10_000).await;
    let relay = TestRelay::over(vec![named("h", port), named("a", node.port)], 2).await;
    (hubble, node, relay)
}

#[tokio::test]
async fn stored_flows_of_both_kinds() {
    let tasks = Tasks::new();
    let (hubble, mut node, relay) = mixed(&tasks).await;
    for port in 1..=20 {
        if port % 2 == 0 {
            hubble.push(port, wall_ns());
        } else {
            node.live(port);
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    node.settle_now().await;
    let check = async |request: GetFlowsRequest, expect: &[&str]| {
        let answers = relay.answers(request).await;
        assert!(answers[1..].is_sorted_by_key(time_ns));
        let shown: Vec<String> = answers[1..].iter().map(show).collect();
        assert_eq!(shown, expect);
    };
    check(
        GetFlowsRequest { number: 4, ..all() },
        &["a:17", "h:18", "a:19", "h:20"],
    )
    .await;
    check(
        GetFlowsRequest {
            number: 2,
            first: true,
            ..all()
        },
        &["a:1", "h:2"],
    )
    .await;
    let since = flows(&relay.answers(all()).await).nth(9).unwrap().time;
    // Of a window the newest, though Hubble gives the first.
    check(
        GetFlowsRequest {
            number: 2,
            since,
            ..all()
        },
        &["a:19", "h:20"],
    )
    .await;
    let request = GetFlowsRequest {
        number: 2,
        field_mask: Some(FieldMask {
            paths: vec!["uuid".to_owned()],
        }),
        ..all()
    };
    let answers = relay.answers(request).await;
    let masked: Vec<_> = flows(&answers).collect();
    assert_eq!(
        (
            masked[1].uuid.as_str(),
            masked[1].time,
            masked[1].l4.is_none()
        ),
        ("flow-20", None, true)
    );
    assert!(
        answers[1..]
            .iter()
            .all(|answer| answer.time.is_some() && !answer.node_name.is_empty())
    );
    let listed = NodesClient::new(relay.channel.clone())
        .list_nodes(ListNodesRequest {})
        .await;
    let listed = listed.unwrap().into_inner().nodes;
    assert_eq!(listed[1].kind(), NodeKind::Hubble);
    assert_eq!(listed[1].clock_offset_ns, None);
    tasks.shutdown(crate::fixture::LONG).await.ok();
}

#[tokio::test]
async fn flows_that_follow_the_last_ones() {
    let tasks = Tasks::new();
    let (hubble, mut node, relay) = mixed(&tasks).await;
    for port in 1..=4 {
        hubble.push(port, wall_ns());
    }
    let mut stream = relay
        .stream(GetFlowsRequest {
            number: 2,
            ..follow()
        })
        .await;
    assert_eq!(stream.status().await, "connected a,h");
    for expect in ["h:3", "h:4"] {
        node.beat();
        assert_eq!(stream.flow().await, expect);
    }
    for port in 5..=9 {
        hubble.push(port, wall_ns());
        let expect = format!("h:{port}");
        loop {
            node.beat();
            let next = tokio::time::timeout(std::time::Duration::from_millis(50), stream.flow());
            if let Ok(flow) = next.await {
                assert_eq!(flow, expect);
                break;
            }
        }
    }
    node.live(10);
    assert_eq!(stream.flow().await, "a:10");
    tasks.shutdown(crate::fixture::LONG).await.ok();
}
