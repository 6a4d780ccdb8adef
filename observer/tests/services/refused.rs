//! Requests that are wrong: refused, with the name of what is wrong.

use proto::flow::FlowFilter;
use proto::observer::GetFlowsRequest;
use tonic::Code;

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn the_message_names_the_field() {
    let fixture = Fixture::new(1).await;
    let white = |filter: FlowFilter| GetFlowsRequest {
        whitelist: vec![filter],
        ..GetFlowsRequest::default()
    };
    let texts = |text: &str| vec![text.to_owned()];
    let no = FlowFilter::default;
    for (request, expect) in [
        (
            GetFlowsRequest {
                first: true,
                follow: true,
                ..Default::default()
            },
            "first cannot be specified with follow",
        ),
        (
            white(FlowFilter {
                source_label: texts("role in (a"),
                ..no()
            }),
            "source_label",
        ),
        (
            white(FlowFilter {
                destination_port: texts("http"),
                ..no()
            }),
            "destination_port",
        ),
        (
            white(FlowFilter {
                source_ip: texts("10.0.0.0/40"),
                ..no()
            }),
            "source_ip",
        ),
        (
            white(FlowFilter {
                http_method: texts("GET"),
                ..no()
            }),
            "http_method",
        ),
        (
            GetFlowsRequest {
                field_mask: Some(prost_types::FieldMask {
                    paths: texts("source.nonsense"),
                }),
                ..Default::default()
            },
            "invalid fieldmask",
        ),
        (
            GetFlowsRequest {
                until: Some(prost_types::Timestamp {
                    seconds: 1,
                    nanos: -1,
                }),
                ..Default::default()
            },
            "until",
        ),
    ] {
        let status = fixture.answers(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{expect}");
        assert!(
            status.message().contains(expect),
            "{expect}: {}",
            status.message()
        );
    }
}
