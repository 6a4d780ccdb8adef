//! Resident memory per flow held: a store is filled to its default capacity, with rows that differ.
//!
//! Prints one JSON object.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use flow::row::FlowRow;
use flow::store::{DEFAULT_CAPACITY, Store};

fn main() {
    let before = resident_bytes();
    let (store, mut writer) = Store::new(DEFAULT_CAPACITY);
    for number in 0..DEFAULT_CAPACITY {
        let row = FlowRow {
            time_ns: 1_700_000_000_000_000_000 + number,
            bytes: number,
            ..FlowRow::default()
        };
        writer.append(&row);
    }
    writer.publish();
    assert_eq!(store.held(), DEFAULT_CAPACITY);
    let grown = resident_bytes() - before;
    let per_flow = grown as f64 / DEFAULT_CAPACITY as f64;
    println!(r#"{{"row": "memory-per-flow", "value": {per_flow:.1}, "unit": "bytes"}}"#);
}

/// Second field of /proc/self/statm, in pages of 4 KiB (proc(5)).
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split_whitespace().nth(1).expect("seven fields");
    pages.parse::<u64>().expect("a number") * 4_096
}
