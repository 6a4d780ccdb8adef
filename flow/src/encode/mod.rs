//! The direct encoder: a row becomes the bytes of a `GetFlowsResponse`, with no message in between.

mod address;
mod details;
mod endpoint;
mod fields;
mod icmp;
pub(crate) mod layer4;
mod lost;

use std::sync::Arc;

use crate::interfaces::{InterfaceNames, InterfaceTable};
use crate::mask::Mask;
use crate::metadata::{MetadataTable, MetadataVersion};
use crate::reference::{Epoch, FlowReference};
use crate::row::FlowRow;
use crate::rules::{Rule, RuleTable};
use crate::snapshot::Snapshot;
use crate::store::Loss;
use crate::wire::{BYTES, VARINT, put_bytes, put_long_message, put_message, put_number, tag};

use endpoint::EndpointEncoder;
use fields::FieldPlan;
pub(crate) use fields::{event_sub_type, is_reply};

/// What the numbers of a row stand for on this node.
#[derive(Debug, Clone)]
pub struct Names {
    /// `<cluster>/<node>`, for the flow and the response.
    pub node_name: String,
    /// This life of the observer, for flow references.
    pub epoch: Epoch,
    /// Who is behind a metadata index.
    pub metadata: Arc<MetadataTable>,
    /// What a rule id means.
    pub rules: Arc<RuleTable>,
    /// Names of interfaces.
    pub interfaces: Arc<InterfaceTable>,
}

/// Encodes rows for one client: one mask, one form. Keeps views of the tables and its own caches.
#[derive(Debug)]
pub struct ResponseEncoder {
    names: Names,
    plan: FieldPlan,
    source: EndpointEncoder,
    destination: EndpointEncoder,
    with_details: bool,
    /// `node_name` of the flow and of the response, as whole fields.
    flow_node_name: Vec<u8>,
    response_node_name: Vec<u8>,
    views: Views,
    scratch: Vec<u8>,
}

/// Views of the tables, taken anew for each batch.
#[derive(Debug)]
struct Views {
    metadata: Snapshot<MetadataVersion>,
    metadata_replaced: u64,
    rules: Snapshot<Rule>,
    interfaces: Arc<InterfaceNames>,
}

/// Fields of `GetFlowsResponse`.
const RESPONSE_FLOW: [u8; 1] = tag(1, BYTES);
const RESPONSE_NODE_NAME: [u8; 2] = tag(1000, BYTES);
const RESPONSE_TIME: [u8; 2] = tag(1001, BYTES);

const TIME_SECONDS: [u8; 1] = tag(1, VARINT);
const TIME_NANOS: [u8; 1] = tag(2, VARINT);
const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl ResponseEncoder {
    /// An encoder for `observer.GetFlowsResponse`, or with details for `tycho.v1.GetFlowsResponse`.
    #[must_use]
    pub fn new(names: Names, mask: &Mask, with_details: bool) -> Self {
        let plan = FieldPlan::new(mask);
        let node_field = |tag: &[u8]| {
            let mut field = tag.to_vec();
            put_bytes::<0>(&mut field, [], names.node_name.as_bytes());
            field
        };
        Self {
            flow_node_name: node_field(&fields::NODE_NAME),
            response_node_name: node_field(&RESPONSE_NODE_NAME),
            source: EndpointEncoder::new(mask.keep(fields::SOURCE_NUMBER)),
            destination: EndpointEncoder::new(mask.keep(fields::DESTINATION_NUMBER)),
            plan,
            with_details,
            views: Views::take(&names),
            names,
            scratch: Vec::new(),
        }
    }

    /// Takes new views of the tables: once per batch, so that rows meet the names they were written with.
    pub fn refresh(&mut self) {
        let replaced = self.views.metadata_replaced;
        self.views = Views::take(&self.names);
        if replaced != self.views.metadata_replaced {
            self.source.forget();
            self.destination.forget();
        }
    }

    /// Appends one response: a flow, or a loss if the row is one.
    pub fn encode(&mut self, sequence: u64, row: &FlowRow, out: &mut Vec<u8>) {
        if row.is_lost() {
            return self.put_lost(&lost::event_of_row(row), row.time_ns, out);
        }
        let reference = FlowReference {
            epoch: self.names.epoch,
            sequence,
        }
        .text();
        put_long_message(out, RESPONSE_FLOW, |out| {
            self.put_flow(&reference, row, out)
        });
        out.extend_from_slice(&self.response_node_name);
        put_time(out, RESPONSE_TIME, row.time_ns);
        if self.with_details {
            let rule = self.views.rules.get(row.rule);
            details::put_details(out, row, rule.map(|rule| rule.info()), &reference);
        }
    }

    /// Appends the response that tells a reader what it missed in the store.
    pub fn encode_loss(&self, loss: &Loss, out: &mut Vec<u8>) {
        self.put_lost(&lost::event_of_store(loss), loss.last_ns, out);
    }

    fn put_lost(&self, event: &proto::flow::LostEvent, time_ns: u64, out: &mut Vec<u8>) {
        lost::put_event(out, event);
        out.extend_from_slice(&self.response_node_name);
        put_time(out, RESPONSE_TIME, time_ns);
    }
}

impl Views {
    fn take(names: &Names) -> Self {
        // The counter first: a replacement in between is then seen as one more change at the next refresh.
        let metadata_replaced = names.metadata.versions().replaced();
        Self {
            metadata: names.metadata.snapshot(),
            metadata_replaced,
            rules: names.rules.snapshot(),
            interfaces: names.interfaces.names(),
        }
    }
}

/// Appends a `google.protobuf.Timestamp`.
fn put_time<const LEN: usize>(out: &mut Vec<u8>, field: [u8; LEN], time_ns: u64) {
    put_message(out, field, |out| {
        put_number(out, TIME_SECONDS, time_ns / NANOS_PER_SECOND);
        put_number(out, TIME_NANOS, time_ns % NANOS_PER_SECOND);
    });
}
