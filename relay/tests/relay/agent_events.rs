//! Agent events of several nodes: one order, one number, and who is missing.

use proto::flow::AgentEvent;
use proto::flow::agent_event::Notification;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use tonic::Streaming;

use crate::fixture::{LONG, TestNode, TestRelay, named};

/// An event that is told by the seconds of its time.
pub(crate) fn add(node: &TestNode, seconds: impl IntoIterator<Item = u64>) {
    for second in seconds {
        let time_ns = second * 1_000_000_000;
        node.node.agent_events.add(time_ns, AgentEvent::default());
    }
}

async fn next(stream: &mut Streaming<GetAgentEventsResponse>) -> Option<GetAgentEventsResponse> {
    let next = tokio::time::timeout(LONG, stream.message()).await;
    next.expect("something comes").unwrap()
}

/// `node:seconds`, or the news of nodes.
fn short(answer: &GetAgentEventsResponse) -> String {
    let event = answer.agent_event.as_ref().unwrap();
    if let Some(Notification::Unknown(unknown)) = &event.notification {
        assert_eq!(unknown.r#type, "node status");
        let (what, _reason) = unknown
            .notification
            .split_once(':')
            .unwrap_or((&unknown.notification, ""));
        return what.to_owned();
    }
    let node = answer.node_name.strip_prefix("default/").unwrap();
    format!("{node}:{}", answer.time.unwrap().seconds)
}

pub(crate) async fn all(relay: &TestRelay, request: GetAgentEventsRequest) -> Vec<String> {
    let answer = relay.client().get_agent_events(request).await.unwrap();
    let mut stream = answer.into_inner();
    let mut shown = Vec::new();
    while let Some(answer) = next(&mut stream).await {
        shown.push(short(&answer));
    }
    shown
}

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[tokio::test]
async fn stored_events_come_in_one_order_and_are_counted_in_total() {
    let (a, b) = (
        TestNode::start("a", 10).await,
        TestNode::start("b", 10).await,
    );
    add(&a, [1, 3, 5, 7]);
    add(&b, [2, 4, 6]);
    let nowhere = 1;
    let relay = TestRelay::over(
        vec![named("a", a.port), named("b", b.port), named("c", nowhere)],
        2,
    )
    .await;
    let check = async |number, first, since: Option<i64>, until: Option<i64>, expect: &[&str]| {
        let request = GetAgentEventsRequest {
            number,
            first,
            since: since.and_then(at),
            until: until.and_then(at),
            follow: false,
        };
        let expect = [expect, &["NODE_UNAVAILABLE c"]].concat();
        assert_eq!(all(&relay, request).await, expect, "{request:?}");
    };
    let whole = ["a:1", "b:2", "a:3", "b:4", "a:5", "b:6", "a:7"];
    check(0, false, None, None, &whole).await;
    check(3, false, None, None, &whole[4..]).await;
    check(3, true, None, None, &whole[..3]).await;
    check(2, false, Some(2), Some(5), &["b:4", "a:5"]).await;
    check(2, true, Some(2), Some(5), &["b:2", "a:3"]).await;
    let both = GetAgentEventsRequest {
        first: true,
        follow: true,
        ..GetAgentEventsRequest::default()
    };
    let refused = relay.client().get_agent_events(both).await.unwrap_err();
    assert_eq!(refused.message(), "first cannot be specified with follow");
}

#[tokio::test]
async fn a_follower_gets_each_event_once_in_order_and_news_of_nodes() {
    let (a, b) = (
        TestNode::start("a", 10).await,
        TestNode::start("b", 10).await,
    );
    add(&a, [1, 3]);
    add(&b, [2, 4]);
    let nodes = [a, b];
    let relay = TestRelay::start(&nodes).await;
    let [a, b] = nodes;
    let request = GetAgentEventsRequest {
        number: 3,
        follow: true,
        ..GetAgentEventsRequest::default()
    };
    let answer = relay.client().get_agent_events(request).await.unwrap();
    let mut stream = answer.into_inner();
    for expect in ["b:2", "a:3", "b:4"] {
        assert_eq!(short(&next(&mut stream).await.unwrap()), expect);
    }
    let now_s = a.node.wall_ns() / 1_000_000_000;
    // They come the wrong way round.
    add(&b, [now_s + 20]);
    add(&a, [now_s + 10, now_s + 30]);
    for (node, later) in [("a", 10), ("b", 20), ("a", 30)] {
        let expect = format!("{node}:{}", now_s + later);
        assert_eq!(short(&next(&mut stream).await.unwrap()), expect);
    }
    let port = b.end().await;
    assert_eq!(
        short(&next(&mut stream).await.unwrap()),
        "NODE_UNAVAILABLE b"
    );
    let b = TestNode::start_at("b", 10, 0, port).await;
    add(&b, [now_s + 40]);
    let mut rest = vec![
        short(&next(&mut stream).await.unwrap()),
        short(&next(&mut stream).await.unwrap()),
    ];
    rest.sort();
    assert_eq!(
        rest,
        ["NODE_CONNECTED b".to_owned(), format!("b:{}", now_s + 40)]
    );
    let end = async {
        let end = next(&mut stream).await;
        drop(stream);
        end
    };
    let (end, ()) = tokio::join!(end, relay.end());
    assert_eq!(end, None);
}

#[tokio::test]
async fn until_ends_a_follow_of_all_nodes() {
    let nodes = [
        TestNode::start("a", 10).await,
        TestNode::start("b", 10).await,
    ];
    add(&nodes[1], [5]);
    let relay = TestRelay::start(&nodes).await;
    let until = std::time::SystemTime::now() + std::time::Duration::from_millis(200);
    let request = GetAgentEventsRequest {
        number: 1,
        follow: true,
        until: Some(until.into()),
        ..GetAgentEventsRequest::default()
    };
    assert_eq!(all(&relay, request).await, ["b:5"]);
}
