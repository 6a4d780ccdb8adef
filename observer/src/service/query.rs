//! A request as it is carried out: which flows, how many, from which end, until when.

use flow::filter::{CompiledFilter, compile};
use flow::mask::Mask;
use flow::selection::{Extent, Selection};
use proto::observer::GetFlowsRequest;
use tonic::Status;

use crate::node::Node;

/// A checked request.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) extent: Extent,
    /// Whether flows that come later follow.
    pub(super) follow: bool,
    pub(super) filter: CompiledFilter,
    pub(super) mask: Mask,
}

impl Query {
    /// Checks a request; the status names what is wrong with it.
    pub(super) fn compile(request: &GetFlowsRequest, node: &Node) -> Result<Self, Status> {
        let selection = Selection::of(request).map_err(invalid)?;
        let filter = compile(
            &request.whitelist,
            &request.blacklist,
            selection.window,
            &node.filter_context(),
        )
        .map_err(invalid)?;
        let mask = match &request.field_mask {
            Some(mask) => Mask::compile(mask).map_err(invalid)?,
            None => Mask::default(),
        };
        Ok(Self {
            extent: selection.extent,
            follow: selection.follow,
            filter,
            mask,
        })
    }
}

/// A request that says what cannot be.
pub(super) fn invalid(error: impl std::error::Error) -> Status {
    Status::invalid_argument(error.to_string())
}
