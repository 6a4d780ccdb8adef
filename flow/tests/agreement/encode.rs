//! The direct encoder against the generated types, with and without masks.

use bpf_events::record::{KIND_LOST, LOST_KERNEL_RING, LOST_QUEUE, LOST_STORE};
use flow::encode::{Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::metadata::MetadataContent;
use flow::row::FlowRow;
use flow::store::Loss;
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};
use prost_types::FieldMask;
use proto::observer::get_flows_response::ResponseTypes;
use proto::tycho::v1::get_flows_response::ResponseTypes as TychoResponseTypes;

use crate::node::node;
use crate::rows::row;
use crate::slow::{slow_details, slow_flow, time_of};

/// What the 1.19.4 CLI asks for, and paths of every depth.
const PATHS: [&str; 40] = [
    "time",
    "source.identity",
    "source.namespace",
    "source.pod_name",
    "destination.identity",
    "destination.namespace",
    "destination.pod_name",
    "l4",
    "IP",
    "ethernet",
    "verdict",
    "drop_reason_desc",
    "is_reply",
    "event_type",
    "Type",
    "Summary",
    "trace_observation_point",
    "policy_match_type",
    "traffic_direction",
    "node_name",
    "ip_trace_id",
    "uuid",
    "reply",
    "source",
    "source.labels",
    "source.workloads",
    "destination.ID",
    "l4.TCP",
    "l4.TCP.flags",
    "l4.TCP.flags.SYN",
    "l4.UDP.destination_port",
    "IP.source",
    "time.seconds",
    "event_type.sub_type",
    "interface.name",
    "is_reply.value",
    "egress_denied_by",
    "ingress_allowed_by",
    "drop_reason",
    "l7.http.code",
];

/// The slow way to mask: copies field by field, through reflection.
fn prune(from: &DynamicMessage, paths: &[Vec<&str>]) -> DynamicMessage {
    let mut to = DynamicMessage::new(from.descriptor());
    for field in from.descriptor().fields() {
        let below: Vec<Vec<&str>> = paths
            .iter()
            .filter(|path| path[0] == field.name())
            .map(|path| path[1..].to_vec())
            .collect();
        if below.is_empty() || !from.has_field(&field) {
            continue;
        }
        let value = from.get_field(&field);
        let whole = below.iter().any(Vec::is_empty);
        match (&*value, field.kind()) {
            (Value::Message(inner), Kind::Message(_)) if !whole => {
                to.set_field(&field, Value::Message(prune(inner, &below)));
            }
            _ => to.set_field(&field, value.into_owned()),
        }
    }
    to
}

fn decoded(
    encoder: &mut ResponseEncoder,
    sequence: u64,
    row: &FlowRow,
) -> proto::observer::GetFlowsResponse {
    let mut out = b"before".to_vec();
    encoder.encode(&mut Pen::default(), sequence, row, &mut out);
    assert!(out.starts_with(b"before"));
    proto::observer::GetFlowsResponse::decode(&out[6..]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_bytes_are_the_slow_message(row in row(), sequence in 0u64..1 << 62) {
        let names = node();
        let mut encoder = ResponseEncoder::new(names.clone(), &ResponseForm::new(Mask::default(), false));
        let response = decoded(&mut encoder, sequence, &row);
        prop_assert_eq!(&response.node_name, "default/node-a");
        prop_assert_eq!(response.time, time_of(&row));
        let expect = slow_flow(&names, sequence, &row);
        prop_assert_eq!(response.response_types, Some(ResponseTypes::Flow(expect)));
    }

    #[test]
    fn details_follow_the_same_flow(row in row(), sequence in 0u64..1 << 62) {
        let names = node();
        let mut out = Vec::new();
        ResponseEncoder::new(names.clone(), &ResponseForm::new(Mask::default(), true)).encode(&mut Pen::default(), sequence, &row, &mut out);
        let response = proto::tycho::v1::GetFlowsResponse::decode(out.as_slice()).unwrap();
        prop_assert_eq!(response.tycho, Some(slow_details(&names, sequence, &row)));
        let expect = slow_flow(&names, sequence, &row);
        prop_assert_eq!(response.response_types, Some(TychoResponseTypes::Flow(expect)));
    }

    #[test]
    fn a_mask_keeps_what_reflection_keeps(
        rows in proptest::collection::vec(row(), 1..4),
        paths in proptest::sample::subsequence(PATHS.to_vec(), 1..12),
    ) {
        let names = node();
        let mask = FieldMask { paths: paths.iter().map(|&path| path.into()).collect() };
        let mut encoder = ResponseEncoder::new(names.clone(), &ResponseForm::new(Mask::compile(&mask).unwrap(), false));
        let split: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
        for (sequence, row) in (0..).zip(&rows) {
            let response = decoded(&mut encoder, sequence, row);
            prop_assert_eq!(&response.node_name, "default/node-a");
            prop_assert_eq!(response.time, time_of(row));
            let Some(ResponseTypes::Flow(flow)) = response.response_types else { panic!("no flow") };
            let descriptor = proto::descriptor_pool().get_message_by_name("flow.Flow").unwrap();
            let reflect = |flow: &proto::flow::Flow| {
                DynamicMessage::decode(descriptor.clone(), flow.encode_to_vec().as_slice()).unwrap()
            };
            let expect = prune(&reflect(&slow_flow(&names, sequence, row)), &split);
            prop_assert_eq!(reflect(&flow), expect);
        }
    }

    #[test]
    fn each_entry_of_a_mask_is_of_use(row in row()) {
        let names = node();
        for path in PATHS {
            let mask = Mask::compile(&FieldMask { paths: vec![path.into()] }).unwrap();
            let mut out = Vec::new();
            ResponseEncoder::new(names.clone(), &ResponseForm::new(mask.clone(), false)).encode(&mut Pen::default(), 1, &row, &mut out);
            let mut whole = Vec::new();
            ResponseEncoder::new(names.clone(), &ResponseForm::new(Mask::default(), false)).encode(&mut Pen::default(), 1, &row, &mut whole);
            prop_assert!(out.len() < whole.len());
        }
    }
}

#[test]
fn losses_become_lost_events_even_under_a_mask() {
    let mask = Mask::compile(&FieldMask {
        paths: vec!["verdict".into()],
    })
    .unwrap();
    let mut encoder = ResponseEncoder::new(node(), &ResponseForm::new(mask.clone(), true));
    let at = |seconds: i64| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let mut check = |reason: u8, cpu: Option<i32>| {
        let row = FlowRow {
            kind: KIND_LOST,
            reason,
            packets: 12,
            cpu: 3,
            time_ns: 1_000_000_000,
            bytes: 2_000_000_000,
            ..FlowRow::default()
        };
        let response = decoded(&mut encoder, 5, &row);
        let expect = proto::flow::LostEvent {
            source: reason.into(),
            num_events_lost: 12,
            cpu,
            first: at(1),
            last: at(2),
        };
        assert_eq!(
            response.response_types,
            Some(ResponseTypes::LostEvents(expect))
        );
        assert_eq!(
            (response.node_name.as_str(), response.time),
            ("default/node-a", at(1))
        );
    };
    check(LOST_KERNEL_RING, Some(3));
    check(LOST_QUEUE, None);
    let mut out = Vec::new();
    encoder.encode_loss(
        &Loss {
            count: 9,
            first_ns: 3_000_000_000,
            last_ns: 4_000_000_000,
        },
        &mut out,
    );
    let response = proto::observer::GetFlowsResponse::decode(out.as_slice()).unwrap();
    let source = LOST_STORE.into();
    let expect = proto::flow::LostEvent {
        source,
        num_events_lost: 9,
        cpu: None,
        first: at(3),
        last: at(4),
    };
    assert_eq!(
        response.response_types,
        Some(ResponseTypes::LostEvents(expect))
    );
}

#[test]
fn new_names_are_met_after_a_refresh() {
    let names = node();
    let mask = Mask::compile(&FieldMask {
        paths: vec!["source.pod_name".into()],
    })
    .unwrap();
    let mut encoder = ResponseEncoder::new(names.clone(), &ResponseForm::new(mask.clone(), false));
    let mut source = |metadata, expect: &str| {
        encoder.refresh();
        let row = FlowRow {
            source_metadata: metadata,
            source_identity: 500,
            kind: 4,
            verdict: 1,
            ..FlowRow::default()
        };
        let Some(ResponseTypes::Flow(flow)) = decoded(&mut encoder, 0, &row).response_types else {
            panic!("no flow")
        };
        assert_eq!(flow.source.unwrap().pod_name, expect);
    };
    let set = |index, pod_name: &str| {
        let content = MetadataContent {
            identity: 500,
            pod_name: pod_name.into(),
            ..MetadataContent::default()
        };
        names.metadata.set(index, "key", content, 1).unwrap();
    };
    source(40_000, "");
    set(40_000, "first");
    source(40_000, "first");
    set(40_000, "second");
    source(40_000, "second");
}
