//! Losses: told in place, past every filter, and not counted as flows.

use observer::pipeline::monotonic_ns;
use proto::flow::{FlowFilter, LostEventSource};
use proto::observer::GetFlowsRequest;
use proto::observer::get_flows_response::ResponseTypes;

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_in_the_kernel_is_one_event_with_its_count_and_span() {
    let mut fixture = Fixture::new(100_000).await;
    fixture.feed([1, 2]).await;
    let now_ns = monotonic_ns();
    fixture
        .inlet()
        .lost_in_kernel(1, 40, now_ns - 5_000, now_ns);
    fixture
        .inlet()
        .lost_in_kernel(1, 2, now_ns - 9_000, now_ns - 1_000);
    fixture.inlet().watermark(0);
    fixture.feed([3, 4]).await;
    let check = async |request: GetFlowsRequest, expect: &[&str]| {
        assert_eq!(fixture.shown(request.clone()).await, expect, "{request:?}");
    };
    let request = GetFlowsRequest::default;
    check(request(), &["1", "2", "lost 42 by 1", "3", "4"]).await;
    let number = |number| GetFlowsRequest {
        number,
        ..request()
    };
    check(number(2), &["3", "4"]).await;
    check(number(3), &["2", "lost 42 by 1", "3", "4"]).await;
    check(
        GetFlowsRequest {
            first: true,
            ..number(3)
        },
        &["1", "2", "lost 42 by 1", "3"],
    )
    .await;
    let nothing = FlowFilter {
        source_port: vec!["999".to_owned()],
        ..FlowFilter::default()
    };
    check(
        GetFlowsRequest {
            whitelist: vec![nothing],
            ..request()
        },
        &["lost 42 by 1"],
    )
    .await;
    let answers = fixture.answers(request()).await.unwrap();
    let Some(ResponseTypes::LostEvents(lost)) = &answers[2].response_types else {
        panic!("{answers:?}");
    };
    assert_eq!(lost.source, LostEventSource::PerfEventRingBuffer as i32);
    assert_eq!(lost.cpu, Some(1));
    let nanos = |time: &Option<prost_types::Timestamp>| i64::from(time.unwrap().nanos);
    let span_ns = (nanos(&lost.last) - nanos(&lost.first)).rem_euclid(1_000_000_000);
    assert_eq!(span_ns, 9_000);
}
