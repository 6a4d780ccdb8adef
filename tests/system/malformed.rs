//! Bytes that are no records: counted, shown by `tycho status`, and no reason to stop.

use serde_json::Value;

use crate::replay::{Replay, recording};

/// Positions in a record.
const VERSION: usize = 112;
const KIND: usize = 113;

#[test]
fn malformed_records_and_unknown_versions_are_counted() {
    let mut replay = Replay::empty();
    let good = recording();
    let mut records: Vec<Vec<u8>> = good.iter().map(|record| record.to_vec()).collect();
    let change = |at: usize, value: u8| {
        let mut record = good[0].to_vec();
        record[at] = value;
        record
    };
    records.insert(3, good[0][..127].to_vec());
    records.insert(5, Vec::new());
    records.insert(7, [&good[0][..], &[0]].concat());
    records.insert(9, change(VERSION, 2));
    records.insert(11, change(KIND, 77));
    replay.feed(&records);

    let status: Value =
        serde_json::from_str(&replay.ask(&["status", "-o", "json"]).output()).expect("JSON");
    for (stage, expected) in [
        ("read", 25),
        ("lost: malformed", 5),
        ("decoded", 20),
        ("stored", 20),
    ] {
        assert_eq!(count(&status, stage), expected, "{stage}");
    }
    assert_eq!(status["ledger"]["closed"], true);
    let text = replay.ask(&["status"]).output();
    assert!(
        text.contains(
            "\nlost: malformed        5       records that are not of this version's format\n"
        ),
        "{text}"
    );
    assert!(
        text.contains("(closed: every flow is accounted for)"),
        "{text}"
    );
    let flows = replay.ask(&["observe", "--all"]).output();
    assert_eq!(flows, include_str!("recording/compact.txt"));
}

/// A row of the ledger; zero is left out of JSON.
fn count(status: &Value, stage: &str) -> u64 {
    let rows = status["ledger"]["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["stage"] == stage);
    let count = &row.unwrap_or_else(|| panic!("{stage}"))["count"];
    count
        .as_str()
        .map_or(0, |count| count.parse().expect("a number"))
}
