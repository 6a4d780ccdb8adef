//! Which flows a `GetFlows` request asks for: how many, from which end, of which times.

use prost_types::Timestamp;
use proto::observer::{GetAgentEventsRequest, GetFlowsRequest};

use crate::filter::TimeWindow;

/// Where the flows of an answer begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The first `number` that match, from the oldest; all without a number.
    First(Option<u64>),
    /// The last `number` that match.
    Last(u64),
    /// Nothing that is there already.
    New,
}

/// A request but for its filters and its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which of the flows that are there.
    pub extent: Extent,
    /// Whether flows that come later follow.
    pub follow: bool,
    /// The times asked for.
    pub window: TimeWindow,
}

/// Why a request says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// The oldest flows do not come later.
    #[error("first cannot be specified with follow")]
    FirstWithFollow,
    /// A time that is none.
    #[error("{field} is no time: {nanos} nanos")]
    Time {
        /// Name in `observer.GetFlowsRequest`.
        field: &'static str,
        /// Nanoseconds beyond the second.
        nanos: i32,
    },
}

impl Selection {
    /// What a request asks for.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn of(request: &GetFlowsRequest) -> Result<Self, SelectionError> {
        if request.first && request.follow {
            return Err(SelectionError::FirstWithFollow);
        }
        let window = TimeWindow {
            since_ns: time_ns("since", request.since.as_ref())?.unwrap_or(0),
            until_ns: time_ns("until", request.until.as_ref())?.unwrap_or(u64::MAX),
        };
        Ok(Self {
            extent: extent(request),
            follow: request.follow,
            window,
        })
    }

    /// What a request for agent events asks for: its fields mean what those of flows do.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn of_agent_events(request: &GetAgentEventsRequest) -> Result<Self, SelectionError> {
        Self::of(&GetFlowsRequest {
            number: request.number,
            first: request.first,
            follow: request.follow,
            since: request.since,
            until: request.until,
            ..GetFlowsRequest::default()
        })
    }
}

fn extent(request: &GetFlowsRequest) -> Extent {
    match request.number {
        0 if request.follow && request.since.is_none() => Extent::New,
        0 => Extent::First(None),
        number if request.first => Extent::First(Some(number)),
        number => Extent::Last(number),
    }
}

/// Nanoseconds since 1970; what is before that is 1970.
///
/// # Errors
/// If it is no time.
pub fn time_ns(
    field: &'static str,
    time: Option<&Timestamp>,
) -> Result<Option<u64>, SelectionError> {
    let Some(time) = time else {
        return Ok(None);
    };
    let nanos = u64::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)
        .ok_or(SelectionError::Time {
            field,
            nanos: time.nanos,
        })?;
    let Ok(seconds) = u64::try_from(time.seconds) else {
        return Ok(Some(0));
    };
    Ok(Some(
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
    ))
}

/// Nanoseconds since 1970 as a message.
#[must_use]
pub fn timestamp(time_ns: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(time_ns / 1_000_000_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(time_ns % 1_000_000_000).unwrap_or(0),
    }
}

/// Entries of one page: as many as were asked for (0: 1,000), 10,000 at most.
#[must_use]
pub fn page_size(asked: u32) -> u32 {
    match asked {
        0 => 1_000,
        size => size.min(10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_checked() {
        let check = |seconds, nanos, expect: Option<u64>| {
            let time = Timestamp { seconds, nanos };
            assert_eq!(time_ns("since", Some(&time)).ok().flatten(), expect);
        };
        check(1, 5, Some(1_000_000_005));
        check(-1, 5, Some(0));
        check(i64::MAX, 0, Some(u64::MAX));
        check(1, -1, None);
        check(1, 1_000_000_000, None);
        assert_eq!(time_ns("since", None).unwrap(), None);
    }

    #[test]
    fn extents() {
        let check = |number, first, follow, since: Option<u64>, expect| {
            let request = GetFlowsRequest {
                number,
                first,
                follow,
                since: since.map(timestamp),
                ..GetFlowsRequest::default()
            };
            let extent = Selection::of(&request).map(|selection| selection.extent);
            assert_eq!(extent, expect);
        };
        check(0, false, false, None, Ok(Extent::First(None)));
        check(0, false, true, None, Ok(Extent::New));
        check(0, false, true, Some(5), Ok(Extent::First(None)));
        check(7, true, false, None, Ok(Extent::First(Some(7))));
        check(7, false, true, None, Ok(Extent::Last(7)));
        check(7, true, true, None, Err(SelectionError::FirstWithFollow));
    }
}
