//! What a flow costs in each stage, single-threaded: the targets stand in the design's performance table.

use std::hint::black_box;
use std::sync::Arc;

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_TRACE, POINT_TO_ENDPOINT, RECORD_VERSION, REPLY_NO, Record,
    TRACE_ESTABLISHED, VERDICT_FORWARDED,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flow::annotate::annotate;
use flow::clock::Clock;
use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::filter::{FilterContext, TimeWindow, compile};
use flow::interfaces::InterfaceTable;
use flow::mask::Mask;
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent, MetadataTable, Workload};
use flow::record::decode;
use flow::reference::Epoch;
use flow::reorder::Reorder;
use flow::row::FlowRow;
use flow::rules::RuleTable;
use flow::store::{DEFAULT_CAPACITY, SEGMENT_FLOWS, Segment, Store};
use policy::LabelSet;
use prost_types::FieldMask;
use proto::flow::FlowFilter;
use zerocopy::{FromZeros, IntoBytes};

const PODS: u32 = 200;
const FIRST_POD: u32 = 16;

/// The default mask of the 1.19.4 command line client.
const CLI_MASK: [&str; 20] = [
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
    "ip_trace_id",
];

/// 200 pods with seven labels each; two of them are the only ones of their role.
fn names() -> Names {
    let metadata = MetadataTable::new();
    for pod in 0..PODS {
        let role = if pod < 2 {
            "rare".to_owned()
        } else {
            format!("role-{}", pod % 20)
        };
        let labels = [
            format!("k8s:role={role}"),
            format!("k8s:app=application-{}", pod % 50),
            "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop".to_owned(),
            "k8s:io.cilium.k8s.policy.cluster=default".to_owned(),
            "k8s:io.cilium.k8s.policy.serviceaccount=default".to_owned(),
            "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
            "k8s:tier=web".to_owned(),
        ];
        let content = MetadataContent {
            endpoint_id: 1_000 + pod,
            identity: 20_000 + pod,
            labels: LabelSet::parse(labels).expect("these are labels"),
            namespace: "shop".into(),
            pod_name: format!("application-{pod}-6d4b75cb6d-abcde"),
            workloads: vec![Workload {
                kind: "Deployment".into(),
                name: format!("application-{pod}"),
            }],
            cluster_name: "default".into(),
            ..MetadataContent::default()
        };
        metadata
            .set(
                FIRST_FREE_INDEX + pod,
                &format!("endpoint/{pod}"),
                content,
                1,
            )
            .expect("the table has room");
    }
    let interfaces = InterfaceTable::new();
    interfaces.replace((1..=PODS).map(|ifindex| (ifindex, format!("lxc{ifindex:012x}"))));
    Names {
        node_name: "default/node-a".into(),
        epoch: Epoch::new(0x0123_4567_89ab_cdef),
        metadata: Arc::new(metadata),
        rules: Arc::new(RuleTable::new()),
        interfaces: Arc::new(interfaces),
    }
}

/// One TCP data packet between two pods.
fn record(number: u32) -> Record {
    let (source, destination) = (
        number.wrapping_mul(7) % PODS,
        number.wrapping_mul(13) / 3 % PODS,
    );
    let mut address = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 100, 0];
    address[15] = (number % 250) as u8;
    Record {
        time_ns: 1_000_000 + u64::from(number) * 1_000,
        bytes: 1_500,
        source_address: address,
        destination_address: address,
        packets: 1,
        source_identity: 20_000 + source,
        destination_identity: 20_000 + destination,
        source_metadata: FIRST_POD + source,
        destination_metadata: FIRST_POD + destination,
        ifindex: 1 + destination,
        source_port: 40_000 + (number % 20_000) as u16,
        destination_port: 8_000 + (number % 97) as u16,
        source_mac: [0x0a, 0, 0, 0, 0, 1],
        destination_mac: [0x0a, 0, 0, 0, 0, 2],
        version: RECORD_VERSION,
        kind: KIND_TRACE,
        verdict: VERDICT_FORWARDED,
        protocol: 6,
        tcp_flags: 0x18,
        observation_point: POINT_TO_ENDPOINT,
        trace_reason: TRACE_ESTABLISHED,
        direction: DIRECTION_INGRESS,
        reply: REPLY_NO,
        ..Record::new_zeroed()
    }
}

fn rows() -> Vec<FlowRow> {
    let clock = Clock::from_offset_ns(1_763_800_000_000_000_000);
    (0..SEGMENT_FLOWS as u32)
        .map(|number| annotate(&record(number), &clock))
        .collect()
}

fn segment() -> Arc<Segment> {
    let (store, mut writer) = Store::new(1);
    for row in rows() {
        writer.append(&row);
    }
    writer.publish();
    store.segments().remove(0)
}

fn ingest(criterion: &mut Criterion) {
    let records: Vec<Record> = (0..SEGMENT_FLOWS as u32).map(record).collect();
    let clock = Clock::from_offset_ns(1_763_800_000_000_000_000);
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(SEGMENT_FLOWS as u64));
    group.bench_function("records", |bencher| {
        bencher.iter(|| {
            for record in &records {
                black_box(decode(record.as_bytes()).expect("these are records"));
            }
        });
    });
    group.finish();
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(SEGMENT_FLOWS as u64));
    let (_store, mut writer) = Store::new(DEFAULT_CAPACITY);
    group.bench_function("as they come", |bencher| {
        bencher.iter(|| {
            for record in &records {
                let record = decode(record.as_bytes()).expect("these are records");
                writer.append(&annotate(&record, &clock));
            }
            writer.publish();
        });
    });
    let mut reorder = Reorder::new(8_192);
    let mut base_ns = 0;
    group.bench_function("put in order", |bencher| {
        bencher.iter(|| {
            for record in &records {
                let mut record = decode(record.as_bytes()).expect("these are records");
                record.time_ns += base_ns;
                reorder.push(&annotate(&record, &clock), |row| {
                    writer.append(row);
                });
            }
            base_ns += SEGMENT_FLOWS as u64 * 1_000;
            reorder.watermark(clock.wall_ns(base_ns), |row| {
                writer.append(row);
            });
            writer.publish();
        });
    });
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let rows = rows();
    let names = names();
    let mask = FieldMask {
        paths: CLI_MASK.map(String::from).to_vec(),
    };
    let mask = Mask::compile(&mask).expect("the client's mask is valid");
    for (row, variant, mask, with_details) in [
        ("encode", "whole", Mask::default(), false),
        ("encode", "with details", Mask::default(), true),
        ("encode-masked", "default mask", mask, false),
    ] {
        let mut group = criterion.benchmark_group(row);
        group.throughput(Throughput::Elements(SEGMENT_FLOWS as u64));
        let mut encoder =
            ResponseEncoder::new(names.clone(), &ResponseForm::new(mask, with_details));
        let mut pen = Pen::default();
        let mut out = Vec::with_capacity(8 << 20);
        group.bench_function(variant, |bencher| {
            bencher.iter(|| {
                encoder.refresh();
                for (sequence, row) in (0..).zip(&rows) {
                    // As a server does: chunks of some 64 KiB.
                    if out.len() > 1 << 16 {
                        black_box(&out);
                        out.clear();
                    }
                    encoder.encode(&mut pen, sequence, row, &mut out);
                }
            });
        });
        group.finish();
    }
}

fn filter(criterion: &mut Criterion) {
    let segment = segment();
    let names = names();
    let context = FilterContext {
        node_name: names.node_name.clone(),
        epoch: names.epoch,
        metadata: names.metadata,
        interfaces: names.interfaces,
    };
    let text = |text: &str| vec![text.to_owned()];
    let one_percent = FlowFilter {
        source_label: text("role=rare"),
        ..FlowFilter::default()
    };
    let labels_and_port = FlowFilter {
        source_label: text("role=role-3"),
        destination_label: text("tier in (web,db)"),
        destination_port: text("8080"),
        ..FlowFilter::default()
    };
    for (row, variant, filter) in [
        ("filter-label", "matches 1 %", one_percent),
        (
            "filter-labels-port",
            "two labels and a port",
            labels_and_port,
        ),
    ] {
        let mut group = criterion.benchmark_group(row);
        group.throughput(Throughput::Elements(SEGMENT_FLOWS as u64));
        let mut compiled =
            compile(&[filter], &[], TimeWindow::default(), &context).expect("the filter is valid");
        let mut out = Vec::with_capacity(SEGMENT_FLOWS);
        group.bench_function(variant, |bencher| {
            bencher.iter(|| {
                out.clear();
                compiled.scan(&segment, 0..SEGMENT_FLOWS, &mut out);
                black_box(out.len())
            });
        });
        group.finish();
    }
}

criterion_group!(benches, ingest, encode, filter);
criterion_main!(benches);
