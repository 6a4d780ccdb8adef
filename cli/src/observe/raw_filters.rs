//! Filters as JSON: `--allowlist` and `--denylist` read them, `--print-raw-filters` writes them.

use std::io;

use proto::flow::FlowFilter;
use proto::observer::GetFlowsRequest;

use crate::contract_json::{Unknown, read_all};

/// A filter that is not a `flow.FlowFilter` in JSON.
#[derive(Debug, thiserror::Error)]
#[error("invalid {flag} flag: failed to decode '{text}'")]
pub(crate) struct RawFilterError {
    flag: &'static str,
    text: String,
    source: serde_json::Error,
}

/// Reads the filters of all uses of one flag.
pub(super) fn parse(
    flag: &'static str,
    texts: &[String],
) -> Result<Vec<FlowFilter>, RawFilterError> {
    let mut filters = Vec::new();
    for text in texts {
        let read =
            read_all::<FlowFilter>("flow.FlowFilter", text, Unknown::Refuse).map_err(|source| {
                RawFilterError {
                    flag,
                    text: text.clone(),
                    source,
                }
            })?;
        filters.extend(read);
    }
    Ok(filters)
}

/// Writes the request's filters as YAML, in the form that Hubble's configuration file takes.
pub(super) fn print(mut out: impl io::Write, request: &GetFlowsRequest) -> io::Result<()> {
    let lists = [
        ("allowlist", &request.whitelist),
        ("denylist", &request.blacklist),
    ];
    if lists.iter().all(|(_, filters)| filters.is_empty()) {
        writeln!(out, "{{}}")?;
    }
    for (name, filters) in lists {
        if filters.is_empty() {
            continue;
        }
        writeln!(out, "{name}:")?;
        for filter in filters {
            let json = proto::json::message_to_json("flow.FlowFilter", filter);
            writeln!(out, "    - '{}'", json.replace('\'', "''"))?;
        }
    }
    out.flush()
}
