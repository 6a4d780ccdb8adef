//! `tycho.v1.Ledger`.

use std::sync::Arc;

use proto::tycho::v1::ledger_server::Ledger;
use proto::tycho::v1::{GetLedgerRequest, GetLedgerResponse};
use tonic::{Request, Response, Status};

use crate::ledger::ledger;
use crate::node::Node;

#[derive(Debug)]
pub(super) struct LedgerApi {
    node: Arc<Node>,
}

impl LedgerApi {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node }
    }
}

#[tonic::async_trait]
impl Ledger for LedgerApi {
    async fn get_ledger(
        &self,
        _request: Request<GetLedgerRequest>,
    ) -> Result<Response<GetLedgerResponse>, Status> {
        Ok(Response::new(ledger(&self.node)))
    }
}
