//! The direct encoder: a row becomes the bytes of a `GetFlowsResponse`, with no message in between.

mod address;
mod details;
mod endpoint;
mod fields;
mod head;
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
use crate::wire::{BYTES, VARINT, put_bytes, put_long_message, tag, varint_of_35_bits};

use endpoint::EndpointEncoder;
use fields::FieldPlan;
pub use fields::Pen;
pub(crate) use fields::{event_sub_type, is_reply};
use head::Head;

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

/// Encodes the rows of one node for one client: one mask, one form. Keeps views of the tables and its own caches.
#[derive(Debug)]
pub struct ResponseEncoder {
    names: Names,
    form: Arc<ResponseForm>,
    source: EndpointEncoder,
    destination: EndpointEncoder,
    /// What is the same in every flow, and in every response.
    constant_fields: Vec<u8>,
    response_node_name: Vec<u8>,
    views: Views,
}

/// What a client wants of each flow, whichever node it is of.
#[derive(Debug)]
pub struct ResponseForm {
    mask: Mask,
    plan: FieldPlan,
    with_details: bool,
}

impl ResponseForm {
    /// The form of `observer.GetFlowsResponse`, or with details of `tycho.v1.GetFlowsResponse`.
    #[must_use]
    pub fn new(mask: Mask, with_details: bool) -> Arc<Self> {
        Arc::new(Self {
            plan: FieldPlan::new(&mask),
            mask,
            with_details,
        })
    }

    /// Which fields the client wants.
    #[must_use]
    pub fn mask(&self) -> &Mask {
        &self.mask
    }
}

/// Views of the tables, taken anew for each batch.
#[derive(Debug, Clone)]
pub struct Views {
    metadata: Snapshot<MetadataVersion>,
    metadata_replaced: u64,
    rules: Snapshot<Rule>,
    rules_edits: u64,
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
    /// An encoder for the flows of one node.
    #[must_use]
    pub fn new(names: Names, form: &Arc<ResponseForm>) -> Self {
        let (mask, plan) = (&form.mask, &form.plan);
        let mut response_node_name = Vec::new();
        put_bytes(
            &mut response_node_name,
            RESPONSE_NODE_NAME,
            names.node_name.as_bytes(),
        );
        Self {
            constant_fields: plan.constant_fields(&names.node_name),
            response_node_name,
            source: EndpointEncoder::new(mask.keep(fields::SOURCE_NUMBER)),
            destination: EndpointEncoder::new(mask.keep(fields::DESTINATION_NUMBER)),
            form: Arc::clone(form),
            views: Views::take(&names),
            names,
        }
    }

    /// Takes new views of the tables: once per batch, so that rows meet the names they were written with.
    pub fn refresh(&mut self) {
        self.set_views(self.names.views());
    }

    /// The same with views that were taken when the rows came.
    pub fn set_views(&mut self, views: Views) {
        let replaced = self.views.metadata_replaced;
        self.views = views;
        if replaced != self.views.metadata_replaced {
            self.source.forget();
            self.destination.forget();
        }
    }

    /// Reads where the ends of a row lie, then what they will be spliced from ([`ResponseEncoder::warm_bytes`]). Both lie
    /// far apart in memory: whoever encodes rows of many nodes does each for several rows first, so that the waits for
    /// memory overlap.
    #[inline]
    pub fn warm_places(&self, row: &FlowRow) {
        let versions = &self.views.metadata;
        self.source.warm_place(versions, row.source_metadata);
        self.destination
            .warm_place(versions, row.destination_metadata);
    }

    /// Reads what the ends of a row will be spliced from.
    #[inline]
    pub fn warm_bytes(&self, row: &FlowRow) {
        let versions = &self.views.metadata;
        self.source.warm_bytes(versions, row.source_metadata);
        self.destination
            .warm_bytes(versions, row.destination_metadata);
    }

    /// Appends one response: a flow, or a loss if the row is one. The pen serves any number of encoders of one form.
    pub fn encode(&mut self, pen: &mut Pen, sequence: u64, row: &FlowRow, out: &mut Vec<u8>) {
        if row.is_lost() {
            return self.put_lost(&lost::event_of_row(row), row.time_ns, out);
        }
        let reference = FlowReference {
            epoch: self.names.epoch,
            sequence,
        }
        .text();
        let time = TimeField::new(row.time_ns);
        self.form.plan.put_short(&reference, &time, row, pen);
        put_long_message(out, RESPONSE_FLOW, |out| self.put_flow(pen, row, out));
        out.extend_from_slice(&self.response_node_name);
        time.put_response(out);
        if self.form.with_details {
            let rule = self.views.rules.get(row.rule);
            details::put_details(
                out,
                &mut pen.head,
                row,
                rule.map(|rule| rule.info()),
                &reference,
            );
        }
    }

    /// Appends the fields of one flow, the short ones from the pen.
    fn put_flow(&mut self, pen: &Pen, row: &FlowRow, out: &mut Vec<u8>) {
        out.extend_from_slice(pen.head.as_slice());
        let versions = &self.views.metadata;
        let (metadata, identity) = (row.source_metadata, row.source_identity);
        self.source.put(
            out,
            tag(fields::SOURCE_NUMBER, BYTES),
            versions,
            metadata,
            identity,
        );
        let (metadata, identity) = (row.destination_metadata, row.destination_identity);
        self.destination.put(
            out,
            tag(fields::DESTINATION_NUMBER, BYTES),
            versions,
            metadata,
            identity,
        );
        out.extend_from_slice(&self.constant_fields);
        self.form
            .plan
            .put_interface(row, &self.views.interfaces, out);
        if row.rule != 0
            && let Some(rule) = self.views.rules.get(row.rule)
        {
            self.form.plan.put_rule(row, rule, out);
        }
        self.form.plan.put_summary(row, out);
    }

    /// Appends the response that tells a reader what it missed in the store.
    pub fn encode_loss(&self, loss: &Loss, out: &mut Vec<u8>) {
        self.put_lost(&lost::event_of_store(loss), loss.last_ns, out);
    }

    fn put_lost(&self, event: &proto::flow::LostEvent, time_ns: u64, out: &mut Vec<u8>) {
        lost::put_event(out, event);
        out.extend_from_slice(&self.response_node_name);
        TimeField::new(time_ns).put_response(out);
    }
}

impl Names {
    /// Views of the tables as they are now.
    #[must_use]
    pub fn views(&self) -> Views {
        Views::take(self)
    }
}

impl Views {
    /// Whether no metadata index has changed its meaning between two views.
    pub(crate) fn same_metadata(&self, other: &Self) -> bool {
        self.metadata_replaced == other.metadata_replaced
    }

    pub(crate) fn same_rules(&self, other: &Self) -> bool {
        self.rules_edits == other.rules_edits
    }

    pub(crate) fn same_interfaces(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.interfaces, &other.interfaces)
    }

    pub(crate) fn metadata(&self, index: u32) -> Option<&Arc<MetadataVersion>> {
        self.metadata.get(index)
    }

    pub(crate) fn rule(&self, number: u32) -> Option<&Arc<Rule>> {
        self.rules.get(number)
    }

    pub(crate) fn interface_name(&self, ifindex: u32) -> Option<&str> {
        self.interfaces.name(ifindex)
    }

    fn take(names: &Names) -> Self {
        // The counter first: a replacement in between is then seen as one more change at the next refresh.
        let metadata_replaced = names.metadata.versions().replaced();
        let rules_edits = names.rules.edits();
        Self {
            metadata: names.metadata.snapshot(),
            metadata_replaced,
            rules: names.rules.snapshot(),
            rules_edits,
            interfaces: names.interfaces.names(),
        }
    }
}

/// An encoded `google.protobuf.Timestamp` behind its length: a response has it twice.
struct TimeField {
    bytes: [u8; 16],
    length: usize,
}

impl TimeField {
    fn new(time_ns: u64) -> Self {
        let mut bytes = [0; 16];
        // Byte 0 is the length of what follows; both numbers are left out if zero.
        let mut length = 1;
        for (tag, number) in [
            (TIME_SECONDS, time_ns / NANOS_PER_SECOND),
            (TIME_NANOS, time_ns % NANOS_PER_SECOND),
        ] {
            if number != 0 {
                let (text, kept) = varint_of_35_bits(number);
                [bytes[length]] = tag;
                bytes[length + 1..length + 6].copy_from_slice(&text);
                length += 1 + kept;
            }
        }
        bytes[0] = (length - 1) as u8;
        Self { bytes, length }
    }

    fn put(&self, out: &mut Head, tag: [u8; 1]) {
        out.put(tag);
        out.put_prefix(self.bytes, self.length);
    }

    fn put_response(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&RESPONSE_TIME);
        out.extend_from_slice(&self.bytes);
        out.truncate(out.len() - self.bytes.len() + self.length);
    }
}
