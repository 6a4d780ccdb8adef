//! What all services of a relay share.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use daemon::drain::Drain;
use flow::encode::ResponseForm;
use flow::filter::{FilterContext, compile};
use flow::interfaces::InterfaceTable;
use flow::mask::Mask;
use flow::metadata::MetadataTable;
use flow::reference::Epoch;
use flow::selection::Selection;
use http::HeaderMap;
use proto::observer::GetFlowsRequest;
use tonic::Status;

use super::edges::EdgeHub;
use super::everybody::path;
use crate::counts::{Counts, StreamSlot};
use crate::dashboard::Dashboard;
use crate::merge::{Bounds, Merge, Shared};
use crate::peers::Board;
use crate::upstream::{RelayPath, Wanted};

/// The version of the Hubble API that is spoken.
const HUBBLE_API: &str = "1.19.4";

/// The relay, as its services see it.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    pub(crate) name: Arc<str>,
    pub(crate) epoch: u64,
    pub(crate) board: Arc<Board>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) bounds: Bounds,
    pub(crate) drain: Drain,
    pub(crate) started: Instant,
    /// Streams at the same time.
    pub(crate) streams: usize,
    /// The totals of all nodes.
    pub(crate) edges: Arc<EdgeHub>,
    /// What is counted for pages; none if there are none.
    pub(crate) dashboard: Option<Arc<Dashboard>>,
}

impl Relay {
    /// The version as clients see it: that of Hubble's API, then ours.
    pub(crate) fn version() -> String {
        format!("{HUBBLE_API}+tycho{}", env!("CARGO_PKG_VERSION"))
    }

    /// Checks a request and begins to merge what it asks for.
    pub(crate) fn merge(
        &self,
        request: GetFlowsRequest,
        headers: &HeaderMap,
    ) -> Result<Merge, Status> {
        let path = path(self, headers)?;
        let mut merge = self.merge_beside(request, path)?;
        merge.occupy(self.slot()?);
        Ok(merge)
    }

    /// The same for a stream that belongs to another, which has a place already, or to the relay itself.
    pub(super) fn merge_beside(
        &self,
        request: GetFlowsRequest,
        path: RelayPath,
    ) -> Result<Merge, Status> {
        let selection = Selection::of(&request).map_err(invalid)?;
        check_filters(&request, &selection)?;
        let shared = Shared {
            name: Arc::clone(&self.name),
            board: Arc::clone(&self.board),
            counts: Arc::clone(&self.counts),
            bounds: self.bounds,
            stop: self.drain.stopping(),
        };
        let wanted = Wanted {
            flows: request,
            resume: Vec::new(),
            path,
        };
        Ok(Merge::new(shared, wanted, selection))
    }

    /// A place for a stream that no [`Merge`] makes.
    pub(super) fn slot(&self) -> Result<StreamSlot, Status> {
        self.check_room()?;
        Ok(StreamSlot::take(&self.counts))
    }

    fn check_room(&self) -> Result<(), Status> {
        if self.counts.streams.load(Ordering::Relaxed) < self.streams as u64 {
            return Ok(());
        }
        Err(Status::resource_exhausted(format!(
            "{} clients read streams of this relay, and it serves no more: end some, or start it with a higher `--max-streams`",
            self.streams
        )))
    }
}

/// The form of the responses that a request asks for.
pub(super) fn form(
    request: &GetFlowsRequest,
    with_details: bool,
) -> Result<Arc<ResponseForm>, Status> {
    let mask = match &request.field_mask {
        Some(mask) => Mask::compile(mask).map_err(invalid)?,
        None => Mask::default(),
    };
    Ok(ResponseForm::new(mask, with_details))
}

/// The nodes filter; here it is only seen whether they can.
fn check_filters(request: &GetFlowsRequest, selection: &Selection) -> Result<(), Status> {
    let nobody = FilterContext {
        node_name: String::new(),
        epoch: Epoch::new(0),
        metadata: Arc::new(MetadataTable::mirror()),
        interfaces: Arc::new(InterfaceTable::new()),
    };
    compile(
        &request.whitelist,
        &request.blacklist,
        selection.window,
        &nobody,
    )
    .map(drop)
    .map_err(invalid)
}

/// A request that says what cannot be.
pub(super) fn invalid(error: impl std::error::Error) -> Status {
    Status::invalid_argument(error.to_string())
}
