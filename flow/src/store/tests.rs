//! The store against a plain list of rows, alone and with concurrent readers.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// A row whose every number follows from its sequence, so that a torn row cannot go unseen.
fn row(sequence: u64) -> FlowRow {
    let mut words = [sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15); crate::row::ROW_WORDS];
    words[0] = sequence;
    words[15] &= 0xffff_ffff_ffff;
    FlowRow::unpack(&words)
}

#[derive(Debug, Clone)]
enum Step {
    Append(u16),
    Publish,
    Read(usize),
    Forget(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u16..6_000).prop_map(Step::Append),
        3 => Just(Step::Publish),
        5 => (0usize..3).prop_map(Step::Read),
        1 => (0usize..3).prop_map(Step::Forget),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_store_agrees_with_a_list(steps in steps(), capacity in 1u64..10_000) {
        let (store, mut writer) = Store::new(capacity);
        let segments = store.segment_limit();
        // The model: every row there ever was, of which the last are held.
        let mut all: VecDeque<FlowRow> = VecDeque::new();
        let mut cursors: Vec<Cursor> = (0..3).map(|_| Cursor::at(0)).collect();
        let mut published = 0u64;
        for step in steps {
            match step {
                Step::Append(count) => for _ in 0..count {
                    let sequence = all.len() as u64;
                    prop_assert_eq!(writer.append(&row(sequence)), sequence);
                    all.push_back(row(sequence));
                    // Opening a segment publishes the one before.
                    published = published.max(sequence / SEGMENT_FLOWS as u64 * SEGMENT_FLOWS as u64);
                },
                Step::Publish => { writer.publish(); published = all.len() as u64; }
                Step::Read(reader) => {
                    let before = cursors[reader].next_sequence();
                    let holding = cursors[reader].segment.as_ref().map(|segment| segment.base());
                    match store.read(&mut cursors[reader]) {
                        Read::Rows(segment, range) => {
                            prop_assert_eq!(segment.base() + range.start as u64, before);
                            for offset in range {
                                let sequence = segment.base() + offset as u64;
                                prop_assert!(sequence < published);
                                prop_assert_eq!(segment.row(offset), Some(all[sequence as usize]));
                            }
                        }
                        Read::Lost(loss) => {
                            let oldest = store.range().0;
                            prop_assert_eq!(loss.count, oldest - before);
                            prop_assert_eq!(loss.first_ns, before / SEGMENT_FLOWS as u64 * SEGMENT_FLOWS as u64);
                            prop_assert_eq!(loss.last_ns, oldest - 1);
                            prop_assert!(holding.is_none_or(|base| base + SEGMENT_FLOWS as u64 <= before));
                        }
                        Read::Empty => prop_assert_eq!(before, published),
                    }
                }
                Step::Forget(reader) => { let place = cursors[reader].next_sequence(); cursors[reader] = Cursor::at(place); }
            }
            let opened = (all.len() as u64).saturating_sub(1) / SEGMENT_FLOWS as u64 + 1;
            let oldest = opened.saturating_sub(segments) * SEGMENT_FLOWS as u64;
            prop_assert_eq!(store.range(), (oldest, published.max(oldest)));
            prop_assert!(all.len() as u64 - oldest >= store.capacity().min(all.len() as u64));
            prop_assert_eq!(store.row(oldest), (oldest < published).then(|| all[oldest as usize]));
            prop_assert_eq!(store.row(published), None);
            let since = store.first_at(published.saturating_sub(1));
            prop_assert!(since <= published && published.saturating_sub(since) <= SEGMENT_FLOWS as u64 );
        }
    }
}

#[test]
fn readers_see_whole_rows_and_count_what_they_miss() {
    const ROWS: u64 = 400_000;
    let (store, mut writer) = Store::new(8_192);
    let readers: Vec<_> = (0..3u64)
        .map(|slowness| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                let mut cursor = Cursor::at(0);
                let (mut seen, mut lost) = (0, 0);
                while cursor.next_sequence() < ROWS {
                    let listener = store.subscribe();
                    match store.read(&mut cursor) {
                        Read::Rows(segment, range) => {
                            seen += range.len() as u64;
                            for offset in range {
                                assert_eq!(
                                    segment.row(offset),
                                    Some(row(segment.base() + offset as u64))
                                );
                            }
                            std::thread::sleep(Duration::from_micros(slowness * 300));
                        }
                        Read::Lost(loss) => lost += loss.count,
                        Read::Empty => event_listener::Listener::wait(listener),
                    }
                }
                (seen, lost)
            })
        })
        .collect();
    for sequence in 0..ROWS {
        writer.append(&row(sequence));
        if sequence % 64 == 63 {
            writer.publish();
        }
    }
    drop(writer);
    for reader in readers {
        let (seen, lost) = reader.join().unwrap();
        assert_eq!(seen + lost, ROWS);
    }
}

#[test]
fn a_dropped_segment_is_reused_unless_a_reader_holds_it() {
    let (store, mut writer) = Store::new(1);
    let mut fill = |from: u64| {
        for sequence in from..from + SEGMENT_FLOWS as u64 {
            writer.append(&row(sequence));
        }
        writer.publish();
    };
    let address = |store: &Store| {
        store
            .segments()
            .iter()
            .map(|segment| std::ptr::from_ref(segment.column(0)) as usize)
            .collect::<Vec<_>>()
    };
    fill(0);
    fill(4_096);
    let before = address(&store);
    fill(8_192);
    assert_eq!(
        address(&store),
        [before[1], before[0]],
        "the dropped segment's memory came back"
    );
    let held = store.segments().remove(0);
    fill(12_288);
    assert_eq!(
        held.row(7),
        Some(row(4_103)),
        "a held segment keeps its rows"
    );
    assert!(!address(&store).contains(&before[1]));
}

#[test]
fn numbers_of_flows_are_known_for_as_long_as_these_can_be_read() {
    let (store, mut writer) = Store::new(SEGMENT_FLOWS as u64);
    let flow = |number: u32| FlowRow {
        source_metadata: number,
        destination_metadata: number + 1,
        rule: number + 2,
        ..FlowRow::default()
    };
    writer.append(&flow(100));
    assert!(
        !store.stored_numbers().has_metadata(100),
        "not published yet"
    );
    writer.publish();
    let mut slow = Cursor::at(0);
    let Read::Rows(segment, _) = store.read(&mut slow) else {
        panic!("one row is there");
    };
    drop(segment);
    for _ in 0..3 * SEGMENT_FLOWS {
        writer.append(&flow(200));
    }
    writer.publish();
    let check = |number: u32, expect: bool| {
        let numbers = store.stored_numbers();
        let has = |at: u32| (numbers.has_metadata(at), numbers.has_rule(at));
        let found = [has(number), has(number + 1), has(number + 2)];
        let expect = [(expect, false), (expect, false), (false, expect)];
        assert_eq!(found, expect, "{number}");
    };
    check(100, true);
    check(200, true);
    slow.segment = None;
    check(100, false);
    check(200, true);
    assert!(!store.stored_numbers().has_metadata(u32::MAX));
}
