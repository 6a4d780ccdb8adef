//! Which flow a line of `tycho observe -o json` is.

use proto::tycho::v1::GetFlowsResponse;
use proto::tycho::v1::get_flows_response::ResponseTypes;

use crate::contract_json::{Unknown, read_all};

/// A line that names no flow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReferenceError {
    /// It is no response.
    #[error(
        "standard input, line {line}: not a response in JSON, as `tycho observe -o json` prints it"
    )]
    Json {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The flow has no uuid.
    #[error(
        "standard input, line {line}: the flow has no uuid; take it from `tycho observe -o json` without --field-mask"
    )]
    NoUuid {
        /// Its number, from 1.
        line: usize,
    },
}

/// The reference of the line's flow; an empty line and one that is about something else have none.
pub(super) fn of(line: usize, text: &str) -> Result<Option<String>, ReferenceError> {
    let responses: Vec<GetFlowsResponse> =
        read_all("tycho.v1.GetFlowsResponse", text, Unknown::Skip)
            .map_err(|source| ReferenceError::Json { line, source })?;
    let flow = responses
        .into_iter()
        .find_map(|response| match response.response_types {
            Some(ResponseTypes::Flow(flow)) => Some(flow),
            _ => None,
        });
    match flow {
        Some(flow) if flow.uuid.is_empty() => Err(ReferenceError::NoUuid { line }),
        flow => Ok(flow.map(|flow| flow.uuid)),
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn lines_of_observe() {
        for (text, expected) in [
            (r#"{"flow":{"uuid":"a-1"},"unknown":1}"#, Some("a-1")),
            (r#"{"lost_events":{"num_events_lost":"3"}}"#, None),
            ("", None),
        ] {
            assert_eq!(of(1, text).expect(text).as_deref(), expected);
        }
        for (text, part) in [
            ("{\"flow\":{}}", "line 3: the flow has no uuid"),
            ("nonsense", "line 3: not a response"),
        ] {
            let error = of(3, text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
