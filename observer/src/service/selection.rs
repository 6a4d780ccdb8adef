//! What several calls share: selectors of labels, labels as text, times, and lists of what there is.

use policy::{LabelSet, Selector};
use prost_types::Timestamp;
use tonic::Status;

/// Things named in a message; the rest is counted.
const NAMED: usize = 10;

/// Selectors a request may have.
const MAX_SELECTORS: usize = 64;

/// Selectors any of which must match; without any, everything does.
#[derive(Debug)]
pub(super) struct Selection(Vec<Selector>);

impl Selection {
    /// Parses the selectors of a request.
    pub(super) fn parse(texts: &[String]) -> Result<Self, Status> {
        if texts.len() > MAX_SELECTORS {
            return Err(Status::invalid_argument(format!(
                "selectors: at most {MAX_SELECTORS} are allowed"
            )));
        }
        let selectors = texts.iter().enumerate().map(|(index, text)| {
            Selector::parse(text)
                .map_err(|error| Status::invalid_argument(format!("selectors[{index}]: {error}")))
        });
        Ok(Self(selectors.collect::<Result<_, _>>()?))
    }

    pub(super) fn matches(&self, labels: &LabelSet) -> bool {
        self.0.is_empty() || self.0.iter().any(|selector| selector.matches(labels))
    }
}

/// Each label as `source:key=value`.
pub(super) fn label_texts(labels: &LabelSet) -> Vec<String> {
    labels.iter().map(ToString::to_string).collect()
}

/// A time of the wire.
pub(super) fn timestamp(time_ns: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(time_ns / 1_000_000_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(time_ns % 1_000_000_000).unwrap_or(0),
    }
}

/// What there is, for a message about what there is not.
pub(super) fn what_there_is<T: std::fmt::Display>(
    things: impl ExactSizeIterator<Item = T>,
) -> String {
    let count = things.len();
    let names: Vec<String> = things.take(NAMED).map(|name| name.to_string()).collect();
    match count {
        0 => "there is none".to_owned(),
        _ if count > NAMED => format!("there are {} and {} more", names.join(", "), count - NAMED),
        _ => format!("there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_selector_must_match_and_a_wrong_one_is_named() {
        let labels = LabelSet::parse(["k8s:role=db"]).unwrap();
        let check = |texts: &[&str], expect: Option<bool>| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let found = Selection::parse(&texts).map(|selection| selection.matches(&labels));
            assert_eq!(found.as_ref().ok().copied(), expect, "{texts:?}: {found:?}");
        };
        check(&[], Some(true));
        check(&["role=web"], Some(false));
        check(&["role=web", "role=db"], Some(true));
        check(&["role=web", "role in (a"], None);
        check(&["a"; MAX_SELECTORS + 1], None);
    }

    #[test]
    fn lists_are_bounded() {
        assert_eq!(what_there_is([0; 0].iter()), "there is none");
        assert_eq!(what_there_is(["a", "b"].iter()), "there are a, b");
        assert!(what_there_is([1; 13].iter()).ends_with("and 3 more"));
    }
}
