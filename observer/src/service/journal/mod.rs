//! `tycho.v1.Journal`: what held when, in pages.

mod policies;
mod spans;

use std::sync::Arc;

use daemon::tasks::Tasks;
use flow::selection::{page_size, time_ns, timestamp};
use proto::tycho::v1::journal_server::Journal;
use proto::tycho::v1::{GetJournalRequest, GetJournalResponse, JournalExtent, JournalKind};
use tonic::{Request, Response, Status};

use super::control::snapshot;
use super::query::invalid;
use super::selection::Selection;
use crate::control::Snapshot;
use crate::node::Node;
use spans::Place;

#[derive(Debug)]
pub(super) struct JournalApi {
    node: Arc<Node>,
    tasks: Tasks,
}

impl JournalApi {
    pub(super) fn new(node: Arc<Node>, tasks: Tasks) -> Self {
        Self { node, tasks }
    }
}

#[tonic::async_trait]
impl Journal for JournalApi {
    async fn get_journal(
        &self,
        request: Request<GetJournalRequest>,
    ) -> Result<Response<GetJournalResponse>, Status> {
        let wanted = Wanted::of(request.get_ref())?;
        let snapshot = snapshot(&self.node)?;
        let name = self.node.names.node_name.clone();
        // Looks at every span at worst, which is too long for a thread that serves others.
        let page = self
            .tasks
            .spawn_blocking("journal", move || page(&name, &snapshot, &wanted));
        let page = page.await;
        let page = page.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(page))
    }
}

/// A checked request.
struct Wanted {
    since_ns: u64,
    until_ns: u64,
    /// All if there is none.
    kinds: Vec<JournalKind>,
    selection: Selection,
    page: usize,
    after: Option<Place>,
}

impl Wanted {
    fn of(request: &GetJournalRequest) -> Result<Self, Status> {
        let time = |field, time: &Option<_>| time_ns(field, time.as_ref()).map_err(invalid);
        let at = time("at", &request.at)?;
        let (since, until) = (
            time("since", &request.since)?,
            time("until", &request.until)?,
        );
        if at.is_some() && (since.is_some() || until.is_some()) {
            return Err(Status::invalid_argument(
                "at: cannot be specified with since or until",
            ));
        }
        let mut kinds = Vec::with_capacity(request.kinds.len());
        for number in &request.kinds {
            let kind = JournalKind::try_from(*number).ok();
            let kind = kind.filter(|kind| *kind != JournalKind::Unspecified);
            kinds.push(kind.ok_or_else(|| {
                Status::invalid_argument(format!("kinds: {number} is none that this version knows"))
            })?);
        }
        let page = page_size(request.page_size);
        let after = match request.page_token.as_str() {
            "" => None,
            token => Some(Place::parse(token).ok_or_else(|| {
                Status::invalid_argument("page_token: is none that this server has given")
            })?),
        };
        Ok(Self {
            since_ns: at.or(since).unwrap_or(0),
            until_ns: at.or(until).unwrap_or(u64::MAX),
            kinds,
            selection: Selection::parse(&request.selectors)?,
            page: usize::try_from(page).unwrap_or(usize::MAX),
            after,
        })
    }

    fn has(&self, kind: JournalKind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// One page of a node's journal.
fn page(node_name: &str, snapshot: &Snapshot, wanted: &Wanted) -> GetJournalResponse {
    let mut found = spans::find(snapshot, wanted);
    found.retain(|span| {
        wanted
            .after
            .as_ref()
            .is_none_or(|after| span.place > *after)
    });
    let is_last = found.len() <= wanted.page;
    if !is_last {
        // Only what is in the page has to be in order.
        found.select_nth_unstable_by(wanted.page, |a, b| a.place.cmp(&b.place));
        found.truncate(wanted.page);
    }
    found.sort_unstable_by(|a, b| a.place.cmp(&b.place));
    let next = found.last().filter(|_| !is_last);
    let view = &snapshot.view;
    GetJournalResponse {
        next_page_token: next.map(|last| last.place.token()).unwrap_or_default(),
        entries: found
            .iter()
            .map(|span| span.entry(node_name, snapshot))
            .collect(),
        extents: vec![JournalExtent {
            node_name: node_name.to_owned(),
            endpoints_known_since: Some(timestamp(view.endpoint_journal.known_since_ns())),
            identities_known_since: Some(timestamp(view.identity_journal.known_since_ns())),
            policies_known_since: Some(timestamp(policies::known_since_ns(view))),
        }],
        node_status: Vec::new(),
    }
}
