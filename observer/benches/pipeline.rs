//! The whole path of a record in memory: decode, queue, order, annotate, append.

use std::hint::black_box;

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_TRACE, POINT_TO_ENDPOINT, RECORD_VERSION, REPLY_NO, Record,
    TRACE_ESTABLISHED, VERDICT_FORWARDED,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use observer::pipeline::Pipeline;
use zerocopy::{FromZeros, IntoBytes};

/// Records of one batch, as a busy drain takes them.
const BATCH: u64 = 16_384;

/// Records of two CPUs that are nearly in order, as a ring holds them.
fn recorded() -> Vec<[u8; 128]> {
    (0..BATCH)
        .map(|number| {
            let record = Record {
                version: RECORD_VERSION,
                kind: KIND_TRACE,
                verdict: VERDICT_FORWARDED,
                direction: DIRECTION_INGRESS,
                observation_point: POINT_TO_ENDPOINT,
                trace_reason: TRACE_ESTABLISHED,
                reply: REPLY_NO,
                protocol: 6,
                packets: 12,
                bytes: 9_000,
                cpu: (number % 2) as u16,
                time_ns: 1_000_000 + number * 100 - (number % 2) * 150,
                source_port: number as u16,
                destination_port: 8_080,
                source_metadata: 16 + (number % 200) as u32,
                destination_metadata: 16 + (number % 199) as u32,
                ..Record::new_zeroed()
            };
            let mut bytes = [0; 128];
            bytes.copy_from_slice(record.as_bytes());
            bytes
        })
        .collect()
}

fn path(criterion: &mut Criterion) {
    let records = recorded();
    let mut group = criterion.benchmark_group("path");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("recorded batches", |bencher| {
        let (pipeline, mut inlet, mut annotator) = Pipeline::new(1_048_576);
        bencher.iter(|| {
            for bytes in &records {
                inlet.accept(black_box(bytes));
            }
            inlet.watermark(u64::MAX);
            while annotator.step() > 0 {}
        });
        let reading = pipeline.counts.reading();
        assert_eq!((reading.queue_lost, reading.queued), (0, reading.stored));
    });
    group.finish();
}

criterion_group!(benches, path);
criterion_main!(benches);
