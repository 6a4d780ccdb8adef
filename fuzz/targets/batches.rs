//! Batches from other machines: refused, or read to the end, and each of their rows can be encoded.
#![no_main]

use std::sync::Arc;

use flow::batch::{BatchReader, Entry};
use flow::encode::{Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::row::{FlowRow, ROW_WORDS};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use proto::tycho::v1::{Batch, Lane};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut batch) = Batch::decode(bytes) else {
        return;
    };
    let mut reader = BatchReader::new(Arc::default());
    // Most inputs tell of no lane, and would end there.
    let begun = Batch {
        lanes: vec![Lane {
            lane: 0,
            node_name: "default/a".to_owned(),
            epoch: 1,
        }],
        ..Batch::default()
    };
    let (rows, told) = reader.accept(begun).expect("a lane alone is a batch");
    assert!(rows.is_empty() && told.lanes == [0]);
    // Rows are whole or the batch is refused; libFuzzer seldom finds sizes that fit.
    let count = batch.rows.len() / flow::batch::ROW_BYTES;
    batch.rows.truncate(count * flow::batch::ROW_BYTES);
    batch.sequences = vec![7; count * 8].into();
    let Ok((mut rows, _)) = reader.accept(batch) else {
        return;
    };
    let form = ResponseForm::new(Mask::default(), true);
    let (mut pen, mut out, mut taken) = (Pen::default(), Vec::new(), 0);
    while let Some(head) = rows.head() {
        let mut words = [0; ROW_WORDS];
        let entry = rows.pop(&mut words).expect("there is a head");
        taken += 1;
        if let Entry::Row { lane, sequence } = entry {
            let row = FlowRow::unpack(&words);
            assert_eq!(head, (row.time_ns, row.is_lost()));
            let names = reader.lanes()[usize::from(lane)].names();
            ResponseEncoder::new(names.clone(), &form).encode(&mut pen, sequence, &row, &mut out);
        }
    }
    assert_eq!(taken, count);
    assert!(rows.is_empty());
});
