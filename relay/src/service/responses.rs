//! What a client of GetFlows gets: rows as the bytes of their responses.

use std::sync::Arc;

use bytes::Bytes;
use daemon::grpc::Chunk;
use flow::encode::{Names, Pen, ResponseEncoder, ResponseForm};
use flow::imported;
use flow::row::FlowRow;
use prost::Message as _;
use proto::observer::GetFlowsResponse;
use proto::observer::get_flows_response::ResponseTypes;
use proto::relay::NodeStatusEvent;

use crate::clock::wall_ns;
use crate::merge::{Lanes, Row, Sink};

/// Rows that are encoded together. Neighbours are of different nodes and pods, so what they are spliced from is seldom in
/// a near cache: the waits for it overlap if it is read for all of them first. It must fit the nearest cache.
const GATHERED_ROWS: usize = 16;

/// Rows as the bytes of their responses.
pub(super) struct Responses {
    relay_name: Arc<str>,
    form: Arc<ResponseForm>,
    encoders: Lanes<ResponseEncoder>,
    pen: Pen,
    chunk: Chunk,
    gathered: Vec<Gathered>,
}

/// A row that waits for its neighbours.
struct Gathered {
    source: usize,
    lane: u16,
    sequence: u64,
    is_flow: bool,
    row: FlowRow,
}

impl Responses {
    pub(super) fn new(relay_name: Arc<str>, form: Arc<ResponseForm>) -> Self {
        Self {
            relay_name,
            form,
            encoders: Lanes::default(),
            pen: Pen::default(),
            chunk: Chunk::default(),
            gathered: Vec::with_capacity(GATHERED_ROWS),
        }
    }

    /// Whether there is nothing to send.
    pub(super) fn is_empty(&self) -> bool {
        self.chunk.is_empty() && self.gathered.is_empty()
    }

    /// What is to be sent, and how many flows are in it.
    pub(super) fn take(&mut self) -> (Bytes, u64) {
        self.encode_gathered();
        self.chunk.take()
    }

    fn encode_gathered(&mut self) {
        for row in &self.gathered {
            if let Some(encoder) = row.encoder(&mut self.encoders) {
                encoder.warm_places(&row.row);
            }
        }
        for row in &self.gathered {
            if let Some(encoder) = row.encoder(&mut self.encoders) {
                encoder.warm_bytes(&row.row);
            }
        }
        for row in self.gathered.drain(..) {
            let Some(encoder) = row.encoder(&mut self.encoders) else {
                continue;
            };
            let pen = &mut self.pen;
            self.chunk.push(u64::from(row.is_flow), |out| {
                encoder.encode(pen, row.sequence, &row.row, out);
            });
        }
    }
}

impl Gathered {
    /// The encoder of its node.
    #[inline]
    fn encoder<'a>(
        &self,
        encoders: &'a mut Lanes<ResponseEncoder>,
    ) -> Option<&'a mut ResponseEncoder> {
        encoders.lane_mut(self.source, self.lane)
    }
}

impl Sink for Responses {
    fn is_full(&self) -> bool {
        self.chunk.is_full()
    }

    fn lane(&mut self, source: usize, lane: u16, names: &Names) {
        self.encode_gathered();
        let encoder = ResponseEncoder::new(names.clone(), &self.form);
        self.encoders.set(source, lane, encoder);
    }

    fn defined(&mut self, source: usize, lane: u16) {
        self.encode_gathered();
        if let Some(encoder) = self.encoders.lane_mut(source, lane) {
            encoder.refresh();
        }
    }

    #[inline]
    fn row(&mut self, row: Row<'_>) {
        self.gathered.push(Gathered {
            source: row.source,
            lane: row.lane,
            sequence: row.sequence,
            is_flow: row.is_flow,
            row: FlowRow::unpack(row.words),
        });
        if self.gathered.len() == GATHERED_ROWS {
            self.encode_gathered();
        }
    }

    fn response(&mut self, _time_ns: u64, response: Bytes, is_flow: bool) {
        self.encode_gathered();
        let mask = self.form.mask();
        self.chunk.push(u64::from(is_flow), |out| {
            if mask.is_everything() {
                out.extend_from_slice(&response);
            } else {
                imported::prune(&response, mask, out);
            }
        });
    }

    fn status(&mut self, status: NodeStatusEvent) {
        self.encode_gathered();
        let response = GetFlowsResponse {
            response_types: Some(ResponseTypes::NodeStatus(status)),
            node_name: self.relay_name.to_string(),
            time: Some(flow::selection::timestamp(wall_ns())),
        };
        self.chunk
            .push(0, |out| out.extend_from_slice(&response.encode_to_vec()));
    }

    fn expected(&mut self, _flows: u64) {}

    fn watermark(&mut self, _watermark_ns: u64) {}
}
