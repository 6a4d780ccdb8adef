//! Which flows an answer has: number, first, since, until, filters.

use proto::flow::FlowFilter;
use proto::observer::GetFlowsRequest;

use crate::fixture::{Fixture, NODE};

fn port_80() -> Vec<FlowFilter> {
    vec![FlowFilter {
        destination_port: vec!["80".to_owned()],
        ..FlowFilter::default()
    }]
}

#[tokio::test(flavor = "multi_thread")]
async fn which_flows_are_sent() {
    let mut fixture = Fixture::new(100_000).await;
    fixture.feed(1..=10).await;
    let all = fixture.answers(GetFlowsRequest::default()).await.unwrap();
    let time = |port: usize| all[port - 1].time;
    assert!(all.iter().all(|answer| answer.node_name == NODE));
    let check = async |request: GetFlowsRequest, expect: &[u16]| {
        let shown = fixture.shown(request.clone()).await;
        let expect: Vec<String> = expect.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expect, "{request:?}");
    };
    let request = GetFlowsRequest::default;
    check(request(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).await;
    let number = |number| GetFlowsRequest {
        number,
        ..request()
    };
    check(number(3), &[8, 9, 10]).await;
    check(number(100), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).await;
    let first = GetFlowsRequest {
        first: true,
        ..number(3)
    };
    check(first.clone(), &[1, 2, 3]).await;
    check(
        GetFlowsRequest {
            number: 0,
            first: true,
            until: time(2),
            ..request()
        },
        &[1, 2],
    )
    .await;
    // Both ends of a span are inside it.
    let span = GetFlowsRequest {
        since: time(4),
        until: time(7),
        ..request()
    };
    check(span.clone(), &[4, 5, 6, 7]).await;
    check(
        GetFlowsRequest {
            number: 2,
            ..span.clone()
        },
        &[6, 7],
    )
    .await;
    check(
        GetFlowsRequest {
            number: 2,
            first: true,
            ..span.clone()
        },
        &[4, 5],
    )
    .await;
    check(
        GetFlowsRequest {
            number: 2,
            until: time(3),
            ..request()
        },
        &[2, 3],
    )
    .await;
    check(
        GetFlowsRequest {
            since: time(9),
            ..request()
        },
        &[9, 10],
    )
    .await;
    check(
        GetFlowsRequest {
            since: time(9),
            number: 1,
            ..request()
        },
        &[10],
    )
    .await;
    let white = GetFlowsRequest {
        whitelist: port_80(),
        ..request()
    };
    check(white.clone(), &[2, 4, 6, 8, 10]).await;
    check(
        GetFlowsRequest {
            number: 2,
            ..white.clone()
        },
        &[8, 10],
    )
    .await;
    check(
        GetFlowsRequest {
            number: 2,
            first: true,
            ..white
        },
        &[2, 4],
    )
    .await;
    let black = GetFlowsRequest {
        blacklist: port_80(),
        ..number(2)
    };
    check(black, &[7, 9]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_begins_without_a_loss_and_the_last_are_found_across_segments() {
    let mut fixture = Fixture::new(8_192).await;
    fixture.feed(1..=40_000).await;
    let shown = fixture.shown(GetFlowsRequest::default()).await;
    assert!(shown.len() >= 8_192, "{}", shown.len());
    let oldest: u16 = shown[0].parse().unwrap();
    let expect: Vec<String> = (oldest..=40_000).map(|port| port.to_string()).collect();
    assert!(shown == expect, "no gap, no loss");
    let last = GetFlowsRequest {
        number: 5_000,
        ..GetFlowsRequest::default()
    };
    let shown = fixture.shown(last).await;
    assert_eq!((shown.len(), shown[0].as_str()), (5_000, "35001"));
    let filtered = GetFlowsRequest {
        number: 3_000,
        whitelist: port_80(),
        ..GetFlowsRequest::default()
    };
    let shown = fixture.shown(filtered).await;
    assert_eq!((shown.len(), shown[0].as_str()), (3_000, "34002"));
}
