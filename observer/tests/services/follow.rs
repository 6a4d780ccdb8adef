//! Streams that wait for what comes.

use std::time::Duration;

use proto::observer::{GetFlowsRequest, GetFlowsResponse};
use tokio_stream::StreamExt;
use tonic::Streaming;

use crate::fixture::{Fixture, LONG, show};

async fn next(stream: &mut Streaming<GetFlowsResponse>) -> Option<String> {
    let answer = tokio::time::timeout(LONG, stream.next())
        .await
        .expect("it comes");
    answer.map(|answer| show(&answer.unwrap()))
}

fn follow() -> GetFlowsRequest {
    GetFlowsRequest {
        follow: true,
        ..GetFlowsRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_what_it_asked_for_and_then_each_flow_at_once() {
    let check = async |request: GetFlowsRequest, since: Option<usize>, before: &[&str]| {
        let mut fixture = Fixture::new(100_000).await;
        fixture.feed(1..=5).await;
        let there = fixture.answers(GetFlowsRequest::default()).await.unwrap();
        let since = since.and_then(|port| there[port - 1].time);
        let request = GetFlowsRequest { since, ..request };
        let answer = fixture.client().get_flows(request).await.unwrap();
        let mut stream = answer.into_inner();
        for expect in before {
            assert_eq!(next(&mut stream).await.as_deref(), Some(*expect));
        }
        // The newest comes without waiting for a newer one.
        for port in [100, 200] {
            fixture.feed([port]).await;
            assert_eq!(next(&mut stream).await, Some(port.to_string()));
        }
    };
    check(follow(), None, &[]).await;
    check(follow(), Some(4), &["4", "5"]).await;
    let two = GetFlowsRequest {
        number: 2,
        ..follow()
    };
    check(two.clone(), None, &["4", "5"]).await;
    check(two, Some(1), &["4", "5"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_followers_well() {
    let mut fixture = Fixture::new(100_000).await;
    let mut stream = fixture
        .client()
        .get_flows(follow())
        .await
        .unwrap()
        .into_inner();
    fixture.feed([1]).await;
    assert_eq!(next(&mut stream).await.as_deref(), Some("1"));
    let end = fixture.end();
    let rest = async {
        let rest = next(&mut stream).await;
        let trailers = stream.trailers().await;
        drop(stream);
        (rest, trailers)
    };
    let ((rest, trailers), _) = tokio::time::timeout(LONG, async {
        tokio::join!(rest, async {
            end.await;
        })
    })
    .await
    .unwrap();
    assert_eq!(rest, None);
    trailers.expect("the status is OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn until_ends_a_follow() {
    let mut fixture = Fixture::new(100_000).await;
    fixture.feed([1]).await;
    let until = std::time::SystemTime::now() + Duration::from_millis(200);
    let request = GetFlowsRequest {
        number: 1,
        until: Some(until.into()),
        ..follow()
    };
    let shown = fixture.shown(request).await;
    assert_eq!(shown, ["1"]);
}
