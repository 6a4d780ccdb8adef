//! A flow that has travelled in a batch is encoded as on its own node, and a broken batch is refused or read, never a
//! panic.

use std::sync::Arc;

use flow::batch::{BatchReader, BatchWriter, Entry, IMPORTED_LANE, Interner, Rows};
use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent};
use flow::row::{FlowRow, ROW_WORDS};
use flow::store::Loss;
use proptest::prelude::*;
use prost::Message as _;
use proto::tycho::v1::Batch;

use crate::node::node;
use crate::rows::row;

/// What comes out at the other end of the wire.
fn travelled(batch: &Batch) -> Batch {
    Batch::decode(batch.encode_to_vec().as_slice()).unwrap()
}

fn encoded(names: &Names, sequence: u64, row: &FlowRow) -> Vec<u8> {
    let form = ResponseForm::new(Mask::default(), true);
    let mut out = Vec::new();
    ResponseEncoder::new(names.clone(), &form).encode(&mut Pen::default(), sequence, row, &mut out);
    out
}

/// What stands next, and its row.
fn next(rows: &mut Rows) -> Option<(Entry, FlowRow)> {
    let mut words = [0; ROW_WORDS];
    let entry = rows.pop(&mut words)?;
    Some((entry, FlowRow::unpack(&words)))
}

/// The same node under another name and in another life.
fn other(names: &Names) -> Names {
    Names {
        node_name: "default/other".to_owned(),
        epoch: flow::reference::Epoch::new(99),
        ..names.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn rows_arrive_as_they_were(rows in proptest::collection::vec((row(), 0u16..2, 0u64..1 << 62), 1..60), part in 1usize..20) {
        let lanes = [node(), other(&node())];
        let mut writer = BatchWriter::new();
        for (lane, names) in (0..).zip(&lanes) {
            writer.set_lane(lane, names.clone());
        }
        let mut reader = BatchReader::new(Arc::default());
        for rows in rows.chunks(part) {
            for (row, lane, sequence) in rows {
                writer.push(*lane, *sequence, &row.pack(), !row.is_lost());
            }
            let (batch, flows) = writer.take();
            prop_assert!(writer.is_empty());
            prop_assert_eq!(flows, rows.iter().filter(|(row, ..)| !row.is_lost()).count() as u64);
            let (mut arrived, _) = reader.accept(travelled(&batch)).unwrap();
            for (row, lane, sequence) in rows {
                prop_assert_eq!(arrived.head(), Some((row.time_ns, row.is_lost())));
                let (entry, here) = next(&mut arrived).unwrap();
                prop_assert_eq!(here, *row);
                let Entry::Row { lane: of, sequence: at } = entry else { panic!("it is a row") };
                prop_assert_eq!((of, at), (*lane, *sequence));
                let names = reader.lanes()[usize::from(of)].names();
                prop_assert_eq!(encoded(names, at, row), encoded(&lanes[usize::from(*lane)], *sequence, row));
            }
            prop_assert!(arrived.is_empty() && next(&mut arrived).is_none() && arrived.head().is_none());
        }
    }

    #[test]
    fn broken_batches_do_no_harm(
        rows in proptest::collection::vec((row(), 0u16..2), 0..8),
        breaks in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut writer = BatchWriter::new();
        writer.set_lane(0, node());
        writer.set_lane(1, other(&node()));
        for (row, lane) in &rows {
            writer.push(*lane, 7, &row.pack(), true);
        }
        let mut bytes = writer.take().0.encode_to_vec();
        for (place, byte) in breaks {
            let place = place.index(bytes.len());
            bytes[place] ^= byte;
        }
        bytes.truncate(cut.index(bytes.len()).max(bytes.len() / 2));
        if let Ok(batch) = Batch::decode(bytes.as_slice())
            && let Ok((mut rows, told)) = BatchReader::new(Arc::default()).accept(batch)
        {
            prop_assert!(told.lanes.len() <= 2);
            while next(&mut rows).is_some() {}
        }
    }
}

#[test]
fn an_index_with_a_new_meaning_is_told_again() {
    let names = node();
    let content = |pod: &str| MetadataContent {
        identity: 400,
        pod_name: pod.to_owned(),
        ..MetadataContent::default()
    };
    let index = FIRST_FREE_INDEX + 900;
    let row = FlowRow {
        source_metadata: index,
        source_identity: 400,
        ..FlowRow::default()
    };
    let mut writer = BatchWriter::new();
    writer.set_lane(0, names.clone());
    let mut reader = BatchReader::new(Arc::new(Interner::default()));
    for (from_ns, pod, definitions) in [(1, "one", 1), (1, "one", 0), (2, "two", 1)] {
        if from_ns == 2 {
            names.metadata.remove(&[index]);
        }
        if definitions == 1 {
            names
                .metadata
                .set(index, "endpoint/x", content(pod), from_ns)
                .unwrap();
        }
        writer.refresh(0);
        writer.push(0, 1, &row.pack(), true);
        let (batch, _) = writer.take();
        assert_eq!(batch.metadata.len(), definitions, "{pod}");
        let (rows, told) = reader.accept(travelled(&batch)).unwrap();
        assert_eq!(told.defined.len(), definitions);
        assert!(!rows.is_empty());
        let there = reader.lanes()[0].names();
        assert_eq!(encoded(there, 1, &row), encoded(&names, 1, &row));
    }
}

#[test]
fn losses_responses_and_marks_travel_too() {
    let mut writer = BatchWriter::new();
    writer.set_lane(0, node());
    let loss = Loss {
        count: u64::from(u32::MAX) + 5,
        first_ns: 10,
        last_ns: 20,
    };
    writer.push_loss(0, 3, &loss);
    writer.push_response(30, "a response".into(), true);
    writer.push_response(40, "a loss".into(), false);
    writer.set_watermark(50);
    writer.set_expected(6);
    writer.set_next_sequence(7);
    let (batch, flows) = writer.take();
    assert_eq!(flows, 1);
    let (mut rows, told) = BatchReader::new(Arc::default())
        .accept(travelled(&batch))
        .unwrap();
    assert_eq!(
        (told.watermark_ns, told.expected, told.next_sequence),
        (50, Some(6), Some(7))
    );
    assert_eq!(rows.head(), Some((10, true)));
    let counts = [next(&mut rows), next(&mut rows)].map(|next| next.unwrap().1.packets);
    assert_eq!(counts, [u32::MAX, 5]);
    assert_eq!(rows.head(), Some((30, false)));
    assert!(matches!(next(&mut rows), Some((Entry::Response(bytes), _)) if bytes == "a response"));
    assert_eq!(rows.head(), Some((40, true)));
    assert!(matches!(next(&mut rows), Some((Entry::Response(bytes), _)) if bytes == "a loss"));
    assert!(rows.is_empty());
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let whole = || {
        let mut writer = BatchWriter::new();
        writer.set_lane(0, node());
        writer.push(0, 1, &FlowRow::default().pack(), true);
        writer.take().0
    };
    let check = |change: fn(&mut Batch), expect: &str| {
        let mut batch = whole();
        change(&mut batch);
        let error = BatchReader::new(Arc::default()).accept(batch).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    };
    BatchReader::new(Arc::default()).accept(whole()).unwrap();
    check(
        |batch| batch.rows = batch.rows.slice(1..),
        "127 bytes of rows",
    );
    check(
        |batch| batch.sequences = Vec::new().into(),
        "0 of sequences",
    );
    check(|batch| batch.row_lanes = vec![0].into(), "1 of lanes");
    check(|batch| batch.row_lanes = vec![1, 0].into(), "lane 1");
    check(|batch| batch.lanes.clear(), "lane 0");
    check(|batch| batch.lanes[0].lane = 1, "lane 1");
    check(
        |batch| batch.responses.push("x".into()),
        "0 rows for responses, and 1",
    );
    check(
        |batch| batch.row_lanes = IMPORTED_LANE.to_le_bytes().to_vec().into(),
        "1 rows for responses, and 0",
    );
    check(
        |batch| {
            batch.metadata.push(proto::tycho::v1::MetadataDefinition {
                index: u32::MAX,
                ..Default::default()
            });
        },
        "number that no node gives",
    );
    check(
        |batch| {
            let unlabelled = proto::flow::Endpoint {
                labels: vec![String::new()],
                ..Default::default()
            };
            batch.metadata.push(proto::tycho::v1::MetadataDefinition {
                index: 77,
                endpoint: unlabelled.encode_to_vec().into(),
                ..Default::default()
            });
        },
        "metadata 77 with labels",
    );
    check(
        |batch| {
            batch.metadata.push(proto::tycho::v1::MetadataDefinition {
                index: 77,
                endpoint: vec![0xff].into(),
                ..Default::default()
            });
        },
        "metadata 77 with bytes",
    );
}
