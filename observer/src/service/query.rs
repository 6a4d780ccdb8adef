//! A request as it is carried out: which flows, how many, from which end, until when.

use flow::filter::{CompiledFilter, TimeWindow, compile};
use flow::mask::Mask;
use prost_types::Timestamp;
use proto::observer::GetFlowsRequest;
use tonic::Status;

use crate::node::Node;

/// Where the flows of an answer begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// The first `number` that match, from the oldest; all without a number.
    First(Option<u64>),
    /// The last `number` that match.
    Last(u64),
    /// Nothing that is there already.
    New,
}

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
        if request.first && request.follow {
            return Err(Status::invalid_argument(
                "first cannot be specified with follow",
            ));
        }
        let window = TimeWindow {
            since_ns: time_ns("since", request.since.as_ref())?.unwrap_or(0),
            until_ns: time_ns("until", request.until.as_ref())?.unwrap_or(u64::MAX),
        };
        let filter = compile(
            &request.whitelist,
            &request.blacklist,
            window,
            &node.filter_context(),
        )
        .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let mask = match &request.field_mask {
            Some(mask) => {
                Mask::compile(mask).map_err(|error| Status::invalid_argument(error.to_string()))?
            }
            None => Mask::default(),
        };
        Ok(Self {
            extent: extent(request),
            follow: request.follow,
            filter,
            mask,
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
pub(super) fn time_ns(field: &str, time: Option<&Timestamp>) -> Result<Option<u64>, Status> {
    let Some(time) = time else {
        return Ok(None);
    };
    let nanos = u64::try_from(time.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)
        .ok_or_else(|| {
            Status::invalid_argument(format!("{field} is no time: {} nanos", time.nanos))
        })?;
    let Ok(seconds) = u64::try_from(time.seconds) else {
        return Ok(Some(0));
    };
    Ok(Some(
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
    ))
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
}
