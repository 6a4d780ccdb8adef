//! Rows as messages, for the few flows that a page shows one by one.

use std::sync::Arc;

use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::row::FlowRow;
use prost::Message as _;
use proto::tycho::v1::GetFlowsResponse;

use crate::merge::Row;

/// What the numbers of rows mean, by source and lane.
pub(super) struct Messages {
    form: Arc<ResponseForm>,
    pen: Pen,
    encoders: Vec<Vec<ResponseEncoder>>,
}

impl Messages {
    pub(super) fn new() -> Self {
        Self {
            form: ResponseForm::new(Mask::default(), true),
            pen: Pen::default(),
            encoders: Vec::new(),
        }
    }

    /// A lane of a source is a node from now on.
    pub(super) fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        if self.encoders.len() <= source {
            self.encoders.resize_with(source + 1, Vec::new);
        }
        let encoder = ResponseEncoder::new(names.clone(), &self.form);
        let lanes = &mut self.encoders[source];
        match lanes.get_mut(usize::from(lane)) {
            Some(known) => *known = encoder,
            // Lanes come by number.
            None => lanes.push(encoder),
        }
    }

    /// The tables of a lane have grown.
    pub(super) fn defined(&mut self, source: usize, lane: u16) {
        let lanes = self.encoders.get_mut(source);
        if let Some(encoder) = lanes.and_then(|lanes| lanes.get_mut(usize::from(lane))) {
            encoder.refresh();
        }
    }

    /// A row's message.
    pub(super) fn message(&mut self, row: &Row<'_>) -> Option<GetFlowsResponse> {
        let mut out = Vec::new();
        let flow = FlowRow::unpack(row.words);
        let lanes = self.encoders.get_mut(row.source)?;
        let encoder = lanes.get_mut(usize::from(row.lane))?;
        encoder.encode(&mut self.pen, row.sequence, &flow, &mut out);
        GetFlowsResponse::decode(&*out).ok()
    }
}
