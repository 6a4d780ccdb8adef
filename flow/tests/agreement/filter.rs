//! Compiled filters against a naive reading of the decoded message.

use std::sync::Arc;

use bpf_events::record::{KIND_LOST, VERDICT_FORWARDED};
use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::filter::{FilterContext, FilterError, TimeWindow, compile};
use flow::mask::Mask;
use flow::metadata::MetadataContent;
use flow::row::FlowRow;
use flow::store::{Cursor, Read, Store};
use policy::LabelSet;
use proptest::prelude::*;
use prost::Message as _;
use proto::flow::{EventTypeFilter, Flow, FlowFilter, NetworkInterface, TcpFlags, Workload};
use proto::observer::get_flows_response::ResponseTypes;

use crate::naive::fits;
use crate::node::node;
use crate::rows::row;

fn context(names: &Names) -> FilterContext {
    FilterContext {
        node_name: names.node_name.clone(),
        epoch: names.epoch,
        metadata: Arc::clone(&names.metadata),
        interfaces: Arc::clone(&names.interfaces),
    }
}

fn some<T: Clone + std::fmt::Debug + 'static>(
    values: &[T],
) -> impl Strategy<Value = Vec<T>> + use<T> {
    let values = values.to_vec();
    proptest::option::weighted(
        0.12,
        proptest::sample::subsequence(values.clone(), 1..=values.len()),
    )
    .prop_map(Option::unwrap_or_default)
}

fn texts(values: &[&str]) -> impl Strategy<Value = Vec<String>> + use<> {
    some(
        &values
            .iter()
            .map(|&value| value.to_owned())
            .collect::<Vec<_>>(),
    )
}

const LABELS: [&str; 8] = [
    "role=frontend",
    "k8s:role in (backend,x)",
    "!role",
    "role!=frontend",
    "reserved:world",
    "tier",
    "any:role=frontend,tier=web",
    "",
];
const PODS: [&str; 6] = [
    "frontend",
    "shop/",
    "/front",
    "/",
    "shop/backend-1",
    "default/x",
];
const IPS: [&str; 6] = [
    "10.0.0.0/8",
    "10.9.8.7",
    "192.168.0.0/16",
    "::/0",
    "0.0.0.0/0",
    "8000::/1",
];

prop_compose! {
    fn ends()(
        labels in [texts(&LABELS), texts(&LABELS)],
        pods in [texts(&PODS), texts(&PODS)],
        ips in [texts(&IPS), texts(&IPS)],
        ports in [texts(&["8080", "1"]), texts(&["8080", "443"])],
        identities in [some(&[300u32, 2, 7]), some(&[301u32, 999])],
        clusters in [texts(&["default"]), texts(&["default", "other"])],
        workloads in [some(&workloads()), some(&workloads())],
    ) -> FlowFilter {
        let [source_label, destination_label] = labels;
        let [source_pod, destination_pod] = pods;
        let [source_ip, destination_ip] = ips;
        let [source_port, destination_port] = ports;
        let [source_identity, destination_identity] = identities;
        let [source_cluster_name, destination_cluster_name] = clusters;
        let [source_workload, destination_workload] = workloads;
        FlowFilter {
            source_label, destination_label, source_pod, destination_pod, source_ip, destination_ip, source_port,
            destination_port, source_identity, destination_identity, source_cluster_name, destination_cluster_name,
            source_workload, destination_workload,
            ..FlowFilter::default()
        }
    }
}

fn workloads() -> Vec<Workload> {
    let workload = |name: &str, kind: &str| Workload {
        name: name.into(),
        kind: kind.into(),
    };
    vec![
        workload("frontend-1", ""),
        workload("", "Deployment"),
        workload("", ""),
        workload("plain", "DaemonSet"),
    ]
}

prop_compose! {
    fn filter()(
        ends in ends(),
        verdict in some(&[1, 2, 4, 99, -1]),
        event_type in some(&[
            EventTypeFilter { r#type: 4, match_sub_type: true, sub_type: 0 },
            EventTypeFilter { r#type: 1, match_sub_type: false, sub_type: 7 },
            EventTypeFilter { r#type: 0, match_sub_type: true, sub_type: 133 },
        ]),
        protocol in texts(&["TCP", "udp", "icmp", "icmpv6", "sctp"]),
        reply in some(&[true, false]),
        flags in some(&[
            TcpFlags { syn: true, ..TcpFlags::default() },
            TcpFlags { ns: true, fin: true, ..TcpFlags::default() },
            TcpFlags::default(),
        ]),
        ip_version in some(&[0, 1, 2]),
        traffic_direction in some(&[1, 2, 40]),
        drop_reason_desc in some(&[133, 181, 0]),
        encrypted in some(&[true, false]),
        node_name in texts(&["node-a", "default/", "*/n*", "node-b", "other/node-a"]),
        uuid in some(&(0..70).map(model_uuid).collect::<Vec<_>>()),
        interface in some(&[
            NetworkInterface { index: 7, name: String::new() },
            NetworkInterface { index: 0, name: "lxc-b".into() },
            NetworkInterface { index: 8, name: "lxc-a".into() },
        ]),
    ) -> FlowFilter {
        FlowFilter {
            verdict, event_type, protocol, reply, tcp_flags: flags, ip_version, traffic_direction, drop_reason_desc,
            encrypted, node_name, uuid, interface,
            ..ends
        }
    }
}

fn model_uuid(sequence: u64) -> String {
    let epoch = flow::reference::Epoch::new(if sequence.is_multiple_of(2) {
        0x0123_4567_89ab_cdef
    } else {
        5
    });
    flow::reference::FlowReference {
        epoch,
        sequence: sequence / 2,
    }
    .to_string()
}

fn decode(encoder: &mut ResponseEncoder, sequence: u64, row: &FlowRow) -> Flow {
    let mut out = Vec::new();
    encoder.encode(&mut Pen::default(), sequence, row, &mut out);
    match proto::observer::GetFlowsResponse::decode(out.as_slice())
        .unwrap()
        .response_types
    {
        Some(ResponseTypes::Flow(flow)) => flow,
        other => panic!("not a flow: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn a_compiled_filter_passes_what_the_naive_one_passes(
        rows in proptest::collection::vec((row(), proptest::bool::weighted(0.03)), 1..200),
        whitelist in proptest::collection::vec(filter(), 0..3),
        blacklist in proptest::collection::vec(filter(), 0..3),
        from in 0usize..100,
        window in proptest::option::weighted(0.3, any::<[u64; 2]>()),
    ) {
        let names = node();
        let window = window.map_or(TimeWindow::default(), |[a, b]| TimeWindow { since_ns: a.min(b) >> 2, until_ns: a.max(b) >> 2 });
        let mut compiled = compile(&whitelist, &blacklist, window, &context(&names)).unwrap();
        let (store, mut writer) = Store::new(1);
        let mut encoder = ResponseEncoder::new(names, &ResponseForm::new(Mask::default(), false));
        let mut expect = Vec::new();
        for (sequence, (row, lost)) in rows.iter().enumerate() {
            let row = FlowRow { kind: if *lost { KIND_LOST } else { row.kind }, ..*row };
            writer.append(&row);
            let passes = *lost || {
                let flow = decode(&mut encoder, sequence as u64, &row);
                (whitelist.is_empty() || whitelist.iter().any(|filter| fits(filter, &flow)))
                    && !blacklist.iter().any(|filter| fits(filter, &flow))
            };
            if sequence >= from && window.holds(row.time_ns) && passes {
                expect.push(sequence as u16);
            }
        }
        writer.publish();
        let Read::Rows(segment, range) = store.read(&mut Cursor::at(0)) else { panic!("nothing to read") };
        let mut out = Vec::new();
        compiled.scan(&segment, from..range.end + 1_000, &mut out);
        prop_assert_eq!(out, expect);
    }
}

#[test]
fn what_is_not_built_or_wrong_is_refused_by_name() {
    let names = node();
    let check = |change: &dyn Fn(&mut FlowFilter), expect: &str| {
        let mut filter = FlowFilter::default();
        change(&mut filter);
        let error = compile(&[], &[filter], TimeWindow::default(), &context(&names)).unwrap_err();
        assert!(
            error.to_string().contains(expect),
            "{error} does not name {expect}"
        );
    };
    let text = |text: &str| vec![text.to_owned()];
    check(&|filter| filter.source_fqdn = text("x"), "source_fqdn");
    check(
        &|filter| filter.destination_service = text("x"),
        "destination_service",
    );
    check(&|filter| filter.http_path = text("x"), "http_path");
    check(&|filter| filter.ip_trace_id = vec![1], "ip_trace_id");
    check(
        &|filter| {
            filter.experimental = Some(proto::flow::flow_filter::Experimental {
                cel_expression: text("true"),
            })
        },
        "experimental.cel_expression",
    );
    check(&|filter| filter.source_pod = text(""), "source_pod");
    check(
        &|filter| filter.destination_label = text("a in ("),
        "destination_label",
    );
    check(
        &|filter| filter.source_port = text("65536"),
        "source_port filter \"65536\"",
    );
    check(
        &|filter| filter.source_ip = text("10.0.0.0/33"),
        "source_ip",
    );
    check(
        &|filter| filter.destination_ip = text("nonsense"),
        "destination_ip",
    );
    check(
        &|filter| filter.protocol = text("http"),
        "protocol filter \"http\"",
    );
    check(&|filter| filter.node_name = text("a/b/c"), "node_name");
    let unsupported = compile(
        &[FlowFilter {
            trace_id: text("1"),
            ..FlowFilter::default()
        }],
        &[],
        TimeWindow::default(),
        &context(&names),
    );
    assert_eq!(
        unsupported.unwrap_err(),
        FilterError::Unsupported { field: "trace_id" }
    );
}

#[test]
fn endpoints_that_come_later_are_matched() {
    let names = node();
    let filter = FlowFilter {
        source_label: vec!["role=late".into()],
        ..FlowFilter::default()
    };
    let mut compiled = compile(&[filter], &[], TimeWindow::default(), &context(&names)).unwrap();
    let (store, mut writer) = Store::new(1);
    let mut scan = |metadata| {
        let sequence = writer.append(&FlowRow {
            source_metadata: metadata,
            verdict: VERDICT_FORWARDED,
            ..FlowRow::default()
        });
        writer.publish();
        let mut out = Vec::new();
        compiled.scan(
            &store.segments()[0],
            sequence as usize..sequence as usize + 1,
            &mut out,
        );
        !out.is_empty()
    };
    let late = |role: &str| MetadataContent {
        identity: 600,
        labels: LabelSet::parse([format!("k8s:role={role}")]).unwrap(),
        ..MetadataContent::default()
    };
    assert!(!scan(2));
    let set = |index, role| names.metadata.set(index, "late", late(role), 9).unwrap();
    let (first, second) = (3_000, 3_001);
    set(first, "late");
    assert!(scan(first));
    set(second, "other");
    assert!(!scan(second));
    set(second, "late");
    assert!(scan(second), "a version that was replaced is tested again");
    names.metadata.remove(&[second]);
    assert!(!scan(second), "and so is one that was removed");
}

#[test]
fn the_last_flows_are_counted_without_losses() {
    let names = node();
    let filter = FlowFilter {
        source_identity: vec![300],
        ..FlowFilter::default()
    };
    let mut compiled = compile(&[filter], &[], TimeWindow::default(), &context(&names)).unwrap();
    let (store, mut writer) = Store::new(10_000);
    // Every thousandth row matches, and every 1,500th is a loss.
    for sequence in 0..9_100u32 {
        writer.append(&FlowRow {
            source_identity: if sequence.is_multiple_of(1_000) {
                300
            } else {
                301
            },
            kind: if sequence % 1_500 == 750 {
                KIND_LOST
            } else {
                4
            },
            verdict: VERDICT_FORWARDED,
            ..FlowRow::default()
        });
    }
    writer.publish();
    let mut check =
        |number, expect| assert_eq!(compiled.last_matching(&store, number), expect, "{number}");
    check(0, 9_100);
    check(1, 9_000);
    check(2, 8_000);
    check(6, 4_000);
    check(10, 0);
    check(11, 0);
    let mut everything = compile(&[], &[], TimeWindow::default(), &context(&names)).unwrap();
    assert_eq!(everything.last_matching(&store, 20), 9_080);
    assert_eq!(everything.last_matching(&store, 1_000), 8_099);
}
