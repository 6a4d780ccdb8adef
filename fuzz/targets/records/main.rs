//! Records: bytes are refused or kept as they are, and whatever is kept becomes a response that clients can read.
#![no_main]

use std::cell::RefCell;
use std::net::Ipv6Addr;

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_DROP, KIND_LOST, KIND_POLICY_VERDICT, KIND_TRACE, KIND_WATERMARK,
    MARK_IPV6, MARK_NO_IP, RECORD_BYTES, RECORD_VERSION, REPLY_UNKNOWN, Record, VERDICT_AUDIT,
    VERDICT_DROPPED, VERDICT_FORWARDED,
};
use flow::annotate::annotate;
use flow::clock::Clock;
use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::record::decode;
use flow::row::FlowRow;
use libfuzzer_sys::fuzz_target;
use prost::Message;
use proto::observer::get_flows_response::ResponseTypes;
use proto::tycho::v1::get_flows_response::ResponseTypes as TychoResponseTypes;
use zerocopy::{FromZeros, IntoBytes};

mod names;

/// The fields that the masked encoder keeps.
const MASK: [&str; 3] = ["verdict", "IP", "source.identity"];

struct Encoders {
    names: Names,
    whole: ResponseEncoder,
    detailed: ResponseEncoder,
    masked: ResponseEncoder,
}

thread_local! {
    static ENCODERS: RefCell<Encoders> = RefCell::new(Encoders::new());
}

// Each stretch of 128 bytes is a record; the last one may be shorter.
fuzz_target!(|data: &[u8]| {
    ENCODERS.with_borrow_mut(|encoders| {
        for (sequence, bytes) in (0..).zip(data.chunks(RECORD_BYTES)) {
            if let Some(record) = as_it_is(bytes) {
                encoders.check(sequence, &record);
            }
            encoders.check(sequence, &repaired(bytes));
        }
    });
});

fn as_it_is(bytes: &[u8]) -> Option<Record> {
    let record = decode(bytes).ok()?;
    assert_eq!(record.as_bytes(), bytes);
    assert_eq!(record.version, RECORD_VERSION);
    Some(record)
}

/// The bytes with every closed field in its range, so that most inputs get beyond the check.
fn repaired(bytes: &[u8]) -> Record {
    let mut record = Record::new_zeroed();
    record.as_mut_bytes()[..bytes.len()].copy_from_slice(bytes);
    let kinds = [
        KIND_DROP,
        KIND_TRACE,
        KIND_POLICY_VERDICT,
        KIND_LOST,
        KIND_WATERMARK,
    ];
    let verdicts = [VERDICT_FORWARDED, VERDICT_DROPPED, VERDICT_AUDIT];
    record.version = RECORD_VERSION;
    record.kind = kinds[usize::from(record.kind) % kinds.len()];
    record.verdict = verdicts[usize::from(record.verdict) % verdicts.len()];
    record.direction = DIRECTION_INGRESS + record.direction % 2;
    record.reply %= REPLY_UNKNOWN + 1;
    assert_eq!(decode(record.as_bytes()), Ok(record));
    record
}

impl Encoders {
    fn new() -> Self {
        let names = names::names();
        let paths = MASK.map(str::to_owned).to_vec();
        let mask = Mask::compile(&prost_types::FieldMask { paths }).expect("these are fields");
        let encoder = |mask, with_details| {
            ResponseEncoder::new(names.clone(), &ResponseForm::new(mask, with_details))
        };
        Self {
            whole: encoder(Mask::default(), false),
            detailed: encoder(Mask::default(), true),
            masked: encoder(mask, false),
            names,
        }
    }

    fn check(&mut self, sequence: u64, record: &Record) {
        if record.kind == KIND_WATERMARK {
            return;
        }
        let row = annotate(record, &Clock::from_offset_ns(1_763_800_000_000_000_000));
        // Nobody looks at the direction and the reply state of a loss, and they need not fit.
        if !row.is_lost() {
            assert_eq!(FlowRow::unpack(&row.pack()), row);
        }
        let whole =
            proto::observer::GetFlowsResponse::decode(&*encoded(&mut self.whole, sequence, &row))
                .expect("a client can read it");
        assert_eq!(whole.node_name, self.names.node_name);
        assert_eq!(whole.time, Some(timestamp(row.time_ns)));
        match whole.response_types {
            Some(ResponseTypes::LostEvents(lost)) => {
                assert!(row.is_lost());
                assert_eq!(lost.num_events_lost, u64::from(row.packets));
            }
            Some(ResponseTypes::Flow(flow)) => {
                assert_eq!(flow.time, whole.time);
                fields(&flow, &row);
                self.details(sequence, &row, &flow);
                self.mask(sequence, &row, flow);
            }
            other => panic!("neither a flow nor a loss: {other:?}"),
        }
    }

    fn details(&mut self, sequence: u64, row: &FlowRow, flow: &proto::flow::Flow) {
        let bytes = encoded(&mut self.detailed, sequence, row);
        let response =
            proto::tycho::v1::GetFlowsResponse::decode(&*bytes).expect("a client can read it");
        assert_eq!(
            response.response_types,
            Some(TychoResponseTypes::Flow(flow.clone()))
        );
        assert!(response.tycho.is_some());
    }

    fn mask(&mut self, sequence: u64, row: &FlowRow, flow: proto::flow::Flow) {
        let bytes = encoded(&mut self.masked, sequence, row);
        let response =
            proto::observer::GetFlowsResponse::decode(&*bytes).expect("a client can read it");
        let expect = proto::flow::Flow {
            verdict: flow.verdict,
            ip: flow.ip,
            source: flow.source.map(|source| proto::flow::Endpoint {
                identity: source.identity,
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(response.response_types, Some(ResponseTypes::Flow(expect)));
    }
}

/// What was in the buffer before stays as it was.
fn encoded(encoder: &mut ResponseEncoder, sequence: u64, row: &FlowRow) -> Vec<u8> {
    let mut out = b"before".to_vec();
    encoder.encode(&mut Pen::default(), sequence, row, &mut out);
    out.split_off(b"before".len())
}

fn fields(flow: &proto::flow::Flow, row: &FlowRow) {
    assert_eq!(flow.verdict, i32::from(row.verdict));
    assert_eq!(flow.traffic_direction, i32::from(row.direction));
    let identity = |endpoint: &Option<proto::flow::Endpoint>| {
        endpoint.as_ref().map_or(0, |endpoint| endpoint.identity)
    };
    assert_eq!(identity(&flow.source), row.source_identity);
    assert_eq!(identity(&flow.destination), row.destination_identity);
    let kind = flow.event_type.as_ref().map_or(0, |event| event.r#type);
    assert_eq!(kind, i32::from(row.kind));
    assert_eq!(flow.ip.is_some(), row.marks & MARK_NO_IP == 0);
    if let Some(ip) = &flow.ip {
        address(&ip.source, row.source_address, row.marks);
        address(&ip.destination, row.destination_address, row.marks);
    }
}

/// The text is the address's; an IPv4 address is the last four bytes.
fn address(text: &str, bytes: [u8; 16], marks: u8) {
    if marks & MARK_IPV6 != 0 {
        assert_eq!(text.parse(), Ok(Ipv6Addr::from(bytes)), "{text}");
    } else {
        assert_eq!(
            text,
            format!("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15])
        );
    }
}

fn timestamp(time_ns: u64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: i64::try_from(time_ns / 1_000_000_000).expect("2^64 ns are 584 years"),
        nanos: i32::try_from(time_ns % 1_000_000_000).expect("below 10^9"),
    }
}
