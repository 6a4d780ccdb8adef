//! Rows as messages, for the few flows that a page shows one by one.

use std::sync::Arc;

use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::mask::Mask;
use flow::row::FlowRow;
use prost::Message as _;
use proto::tycho::v1::GetFlowsResponse;

use crate::merge::{Lanes, Row};

/// What the numbers of rows mean, by source and lane.
pub(super) struct Messages {
    form: Arc<ResponseForm>,
    pen: Pen,
    encoders: Lanes<ResponseEncoder>,
}

impl Messages {
    pub(super) fn new() -> Self {
        Self {
            form: ResponseForm::new(Mask::default(), true),
            pen: Pen::default(),
            encoders: Lanes::default(),
        }
    }

    /// A lane of a source is a node from now on.
    pub(super) fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        let encoder = ResponseEncoder::new(names.clone(), &self.form);
        self.encoders.set(source, lane, encoder);
    }

    /// The tables of a lane have grown.
    pub(super) fn defined(&mut self, source: usize, lane: u16) {
        if let Some(encoder) = self.encoders.lane_mut(source, lane) {
            encoder.refresh();
        }
    }

    /// A row's message.
    pub(super) fn message(&mut self, row: &Row<'_>) -> Option<GetFlowsResponse> {
        let mut out = Vec::new();
        let flow = FlowRow::unpack(row.words);
        let encoder = self.encoders.lane_mut(row.source, row.lane)?;
        encoder.encode(&mut self.pen, row.sequence, &flow, &mut out);
        GetFlowsResponse::decode(&*out).ok()
    }
}
