//! The ledger of a node without a kernel: it closes, and names what went wrong.

use observer::pipeline::{Pipeline, QUEUE_RECORDS, monotonic_ns};
use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::{GetLedgerRequest, GetLedgerResponse};
use zerocopy::IntoBytes;

use crate::fixture::{Fixture, NODE, record};

fn count(ledger: &GetLedgerResponse, stage: &str) -> u64 {
    let mut rows = ledger.rows.iter();
    let row = rows.find(|row| row.stage == stage);
    row.unwrap_or_else(|| panic!("{stage}: {ledger:?}")).count
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_records_are_counted_and_the_ledger_closes() {
    let mut fixture = Fixture::new(100_000).await;
    fixture.feed(1..=100).await;
    let mut broken = record(1, monotonic_ns());
    broken.version = 77;
    fixture.inlet().accept(broken.as_bytes());
    fixture.inlet().accept(&[1, 2, 3]);
    // What only this side makes is not taken from outside.
    broken = record(1, monotonic_ns());
    broken.kind = bpf_events::record::KIND_WATERMARK;
    fixture.inlet().accept(broken.as_bytes());
    fixture.settle().await;
    fixture.answers(Default::default()).await.unwrap();
    let mut client = LedgerClient::new(fixture.channel.clone());
    let mut ask = async || {
        client
            .get_ledger(GetLedgerRequest {})
            .await
            .unwrap()
            .into_inner()
    };
    let ledger = ask().await;
    assert!(ledger.closed, "{ledger:?}");
    assert_eq!(ledger.node_name, NODE);
    for (stage, expect) in [
        ("read", 103),
        ("lost: malformed", 3),
        ("decoded", 100),
        ("queued", 100),
        ("in flight: queue", 0),
        ("stored", 100),
        ("delivered", 100),
    ] {
        assert_eq!(count(&ledger, stage), expect, "{stage}");
    }
    assert_eq!(ask().await, ledger, "asking changes nothing");
}

#[test]
fn what_a_full_queue_loses_is_counted_and_told() {
    let (pipeline, mut inlet, mut annotator) = Pipeline::new(200_000);
    for _ in 0..QUEUE_RECORDS + 50 {
        inlet.accept(record(1, monotonic_ns()).as_bytes());
    }
    let reading = pipeline.counts.reading();
    assert_eq!(
        (reading.queued, reading.queue_lost),
        (QUEUE_RECORDS as u64, 50)
    );
    while annotator.step() > 0 {}
    inlet.watermark(u64::MAX);
    while annotator.step() > 0 {}
    let reading = pipeline.counts.reading();
    assert_eq!(
        (reading.stored, reading.loss_rows),
        (QUEUE_RECORDS as u64, 1)
    );
    let last = pipeline.store.row(pipeline.store.range().1 - 1).unwrap();
    let rows = (0..pipeline.store.range().1).filter_map(|sequence| pipeline.store.row(sequence));
    let lost: Vec<u32> = rows
        .filter(|row| row.is_lost())
        .map(|row| row.packets)
        .collect();
    assert_eq!(lost, [50], "{last:?}");
}
