//! `tycho.v1.Ledger` of a relay: where the flows went that its peers have sent.

use flow::selection::timestamp;
use proto::tycho::v1::ledger_server::Ledger;
use proto::tycho::v1::{GetLedgerRequest, GetLedgerResponse, LedgerRow};
use tonic::{Request, Response, Status};

use super::answers::Relay;
use crate::clock::{nanos, wall_ns};
use crate::counts::Counts;
use crate::peers::PeerState;

#[derive(Debug)]
pub(super) struct LedgerApi {
    relay: Relay,
}

impl LedgerApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }
}

#[tonic::async_trait]
impl Ledger for LedgerApi {
    async fn get_ledger(
        &self,
        _request: Request<GetLedgerRequest>,
    ) -> Result<Response<GetLedgerResponse>, Status> {
        let counts = &self.relay.counts;
        // Later stages first, so that none is ahead of an earlier one.
        let delivered = Counts::read(&counts.delivered);
        let abandoned = Counts::read(&counts.abandoned);
        let left_out = Counts::read(&counts.left_out);
        let received = Counts::read(&counts.received);
        let in_flight = received.saturating_sub(delivered + abandoned + left_out);
        let row = |stage: &str, count, meaning: &str| LedgerRow {
            stage: stage.to_owned(),
            count,
            meaning: meaning.to_owned(),
        };
        let uptime_ns = nanos(self.relay.started.elapsed());
        Ok(Response::new(GetLedgerResponse {
            node_name: self.relay.name.to_string(),
            started: Some(timestamp(wall_ns().saturating_sub(uptime_ns))),
            rows: vec![
                row(
                    "received",
                    received,
                    "flows taken from the peers' streams, once for each client's stream",
                ),
                row(
                    "left out",
                    left_out,
                    "stored flows beyond the number that a client had asked for",
                ),
                row(
                    "abandoned",
                    abandoned,
                    "flows that were ready when their client hung up",
                ),
                row("delivered", delivered, "flows handed to clients"),
                row("in flight", in_flight, "flows between two of these stages"),
                row(
                    "out of order",
                    Counts::read(&counts.late),
                    "of them, flows that came after younger ones had left: their node was late, or had been away",
                ),
                row(
                    "streams",
                    Counts::read(&counts.streams),
                    "streams that clients read now",
                ),
            ],
            closed: in_flight == 0,
            warnings: self.warnings(),
            ..GetLedgerResponse::default()
        }))
    }
}

impl LedgerApi {
    fn warnings(&self) -> Vec<String> {
        let problems = self.relay.board.problems();
        let mut warnings: Vec<String> = problems.into_values().collect();
        for peer in self.relay.board.peers().iter() {
            let view = peer.view();
            if let PeerState::Unavailable { reason } = &view.state {
                warnings.push(format!(
                    "node {} is unavailable: {reason}",
                    view.short_name()
                ));
            }
            if let Some(offset) = peer.skew(self.relay.bounds.skew) {
                let apart_ms = offset.offset_ns / 1_000_000;
                warnings.push(format!(
                    "the clock of node {} is {apart_ms} ms off: its flows are merged by corrected times; set it right",
                    view.short_name()
                ));
            }
        }
        warnings
    }
}
