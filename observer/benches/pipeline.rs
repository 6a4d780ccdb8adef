//! The whole path of a record in memory: decode, queue, order, annotate, append.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
fn path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(1));
    group.finish();
}
criterion_group!(benches, path);
criterion_main!(benches);
