//! Flows that nodes hold, newest first, page by page. A cursor says where a page ended; the server remembers nothing.

use std::str::FromStr;

use flow::selection::{time_ns, timestamp};
use http::HeaderMap;
use proto::observer::GetFlowsRequest;
use proto::tycho::v1::{FlowPage, GetFlowPageRequest, GetFlowsResponse};
use tonic::Status;

use super::page_sink::PageSink;
use super::past::problems;
use crate::service::answers::{Relay, invalid};

/// Flows of a page, unless the client says how many; and at most.
const FLOWS: u32 = 100;
const MOST_FLOWS: u32 = 1_000;

/// Flows of one nanosecond at a page's end that a cursor can name.
const MOST_AT_ONCE: usize = 64;

/// Where a page ended: the time of its last flow, and which flows of that time were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cursor {
    time_ns: u64,
    told: Vec<String>,
}

/// The answer to one request.
pub(super) async fn page(relay: &Relay, request: GetFlowPageRequest) -> Result<FlowPage, Status> {
    let size = match request.page_size {
        0 => FLOWS,
        size => size.min(MOST_FLOWS),
    } as usize;
    let cursor = match request.cursor.as_str() {
        "" => None,
        text => Some(Cursor::from_str(text).map_err(|()| {
            Status::invalid_argument(format!(
                "`{text}` is no cursor: give the `next` of the page before, or none"
            ))
        })?),
    };
    let until_ns = time_ns("until", request.until.as_ref()).map_err(invalid)?;
    let until_ns = match &cursor {
        Some(cursor) => Some(cursor.time_ns),
        None => until_ns,
    };
    let told = cursor.as_ref().map_or(0, |cursor| cursor.told.len());
    let selection = request.flows.unwrap_or_default();
    let flows = GetFlowsRequest {
        // One more than fits says whether there are more.
        number: (size + told + 1) as u64,
        since: request.since,
        until: until_ns.map(timestamp),
        whitelist: selection.whitelist,
        blacklist: selection.blacklist,
        ..GetFlowsRequest::default()
    };
    let mut merge = relay.merge(flows, &HeaderMap::new())?;
    let mut sink = PageSink::new(relay);
    merge.read_into(&mut sink).await;
    let (mut flows, node_status) = sink.finish();
    flows.reverse();
    let known = cursor.unwrap_or_default();
    flows.retain(|flow| {
        reference(flow).is_none_or(|uuid| !known.told.iter().any(|told| told == uuid))
    });
    let has_more = flows.len() > size;
    flows.truncate(size);
    let next = match flows.last().filter(|_| has_more) {
        Some(last) => Cursor::behind(last, &flows, &known).to_string(),
        None => String::new(),
    };
    Ok(FlowPage {
        flows,
        next,
        node_status: problems(node_status),
    })
}

fn reference(response: &GetFlowsResponse) -> Option<&str> {
    use proto::tycho::v1::get_flows_response::ResponseTypes;
    match &response.response_types {
        Some(ResponseTypes::Flow(flow)) => Some(&flow.uuid),
        _ => None,
    }
}

fn own_time_ns(response: &GetFlowsResponse) -> u64 {
    let time = time_ns("time", response.time.as_ref());
    time.ok().flatten().unwrap_or(0)
}

impl Cursor {
    fn behind(last: &GetFlowsResponse, flows: &[GetFlowsResponse], before: &Self) -> Self {
        let at = own_time_ns(last);
        let same = flows.iter().filter(|flow| own_time_ns(flow) == at);
        let mut told: Vec<String> = same.filter_map(reference).map(str::to_owned).collect();
        if before.time_ns == at {
            told.extend(before.told.iter().cloned());
        }
        told.truncate(MOST_AT_ONCE);
        Self { time_ns: at, told }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.time_ns)?;
        self.told.iter().try_for_each(|uuid| write!(f, ".{uuid}"))
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let time_ns = parts.next().ok_or(())?.parse().map_err(drop)?;
        let told: Vec<String> = parts.map(str::to_owned).collect();
        if told.len() > MOST_AT_ONCE {
            return Err(());
        }
        Ok(Self { time_ns, told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        let cursor = Cursor {
            time_ns: 12,
            told: vec!["a-b".to_owned(), "c".to_owned()],
        };
        assert_eq!(cursor.to_string(), "12.a-b.c");
        assert_eq!(Cursor::from_str("12.a-b.c"), Ok(cursor));
        for text in ["x", ".a", "-1"] {
            assert_eq!(Cursor::from_str(text), Err(()), "{text}");
        }
    }
}
