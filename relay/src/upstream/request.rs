//! What is asked of a peer for a client's request.

use proto::observer::GetFlowsRequest;
use proto::tycho::v1::Place;
use tonic::metadata::MetadataMap;

/// The request header that names the relays on the way, so that a circle is noticed.
const RELAYS_HEADER: &str = "tycho-relays";

/// Relays that a request may have passed.
const MOST_RELAYS: usize = 8;

/// A request, and where an earlier stream of it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) flows: GetFlowsRequest,
    pub(crate) resume: Vec<Place>,
    pub(crate) path: RelayPath,
}

/// The relays that a request has passed, this one included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RelayPath(Vec<u64>);

/// Why a request is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// It has been here before.
    #[error(
        "the request has passed this relay before: its peers form a circle; take it off the list of one of them"
    )]
    Circle,
    /// There are too many relays above.
    #[error("the request has passed {MOST_RELAYS} relays; that many levels are not supported")]
    TooLong,
}

impl RelayPath {
    /// The path of a request that has come here.
    pub(crate) fn of(metadata: &http::HeaderMap, own: u64) -> Result<Self, PathError> {
        let text = metadata
            .get(RELAYS_HEADER)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut path: Vec<u64> = text
            .split(',')
            .filter_map(|part| u64::from_str_radix(part, 16).ok())
            .collect();
        if path.contains(&own) {
            return Err(PathError::Circle);
        }
        if path.len() >= MOST_RELAYS {
            return Err(PathError::TooLong);
        }
        path.push(own);
        Ok(Self(path))
    }

    /// Says it to the next.
    pub(crate) fn put(&self, metadata: &mut MetadataMap) {
        let parts: Vec<String> = self.0.iter().map(|relay| format!("{relay:x}")).collect();
        if let Ok(value) = parts.join(",").parse() {
            metadata.insert(RELAYS_HEADER, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_noticed() {
        let mut metadata = MetadataMap::new();
        let mut path = RelayPath::default();
        for relay in 0..MOST_RELAYS as u64 {
            path = RelayPath::of(&metadata.clone().into_headers(), relay).unwrap();
            path.put(&mut metadata);
        }
        let headers = metadata.into_headers();
        assert_eq!(RelayPath::of(&headers, 3), Err(PathError::Circle));
        assert_eq!(RelayPath::of(&headers, 99), Err(PathError::TooLong));
        assert_eq!(path.0.len(), MOST_RELAYS);
    }
}
