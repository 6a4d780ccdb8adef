//! Which fields of a flow to ask for. Text output asks only for what it prints.

use prost_types::FieldMask;

use super::dedup::NEEDED_FIELDS;
use crate::output::Format;

/// The fields that Hubble's CLI asks for.
const HUBBLE: [&str; 20] = [
    "time",
    "source.identity",
    "source.namespace",
    "source.pod_name",
    "destination.identity",
    "destination.namespace",
    "destination.pod_name",
    "source_service",
    "destination_service",
    "l4",
    "IP",
    "ethernet",
    "l7",
    "Type",
    "node_name",
    "is_reply",
    "event_type",
    "verdict",
    "Summary",
    "ip_trace_id",
];

/// What text output prints beyond them: without these a policy verdict has no direction, and a domain
/// name is an address.
const ALSO_PRINTED: [&str; 7] = [
    "policy_match_type",
    "traffic_direction",
    "source_names",
    "destination_names",
    "auth_type",
    "debug_capture_point",
    "sock_xlate_point",
];

/// What `--print-policy-names` prints.
const POLICIES: [&str; 4] = [
    "egress_allowed_by",
    "ingress_allowed_by",
    "egress_denied_by",
    "ingress_denied_by",
];

/// A mask that cannot be sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum MaskError {
    /// Text output prints fixed fields.
    #[error("{0} output format is not compatible with custom field mask; use -o json")]
    Text(String),
    /// There is no such field.
    #[error(
        "invalid path {path:?} for --field-mask: flow.Flow has no such field; paths are names such as verdict, IP or source.labels"
    )]
    Path {
        /// The path as given.
        path: String,
    },
    /// The two ends of a connection would not be recognised.
    #[error("--dedup needs more fields than --field-mask asks for; add {0}")]
    Dedup(String),
}

/// The mask for a request, if any.
pub(super) fn mask(
    format: Format,
    custom: &[String],
    use_default: bool,
    policy_names: bool,
) -> Result<Option<FieldMask>, MaskError> {
    if format.is_json() {
        for path in custom {
            check(path)?;
        }
        return Ok((!custom.is_empty()).then(|| FieldMask {
            paths: custom.to_vec(),
        }));
    }
    if !custom.is_empty() {
        let name = format!("{format:?}").to_lowercase();
        return Err(MaskError::Text(name));
    }
    let policies: &[&str] = if policy_names { &POLICIES } else { &[] };
    Ok(use_default.then(|| FieldMask {
        paths: HUBBLE
            .iter()
            .chain(&ALSO_PRINTED)
            .chain(policies)
            .map(|path| (*path).to_owned())
            .collect(),
    }))
}

/// Refuses a mask that leaves out what `--dedup` goes by.
pub(super) fn check_for_dedup(mask: Option<&FieldMask>) -> Result<(), MaskError> {
    let Some(mask) = mask else {
        return Ok(());
    };
    let is_asked_for = |needed: &str| {
        mask.paths.iter().any(|path| {
            needed
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let missing: Vec<&str> = NEEDED_FIELDS
        .into_iter()
        .filter(|needed| !is_asked_for(needed))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(MaskError::Dedup(missing.join(",")))
}

/// Follows the path through the messages of the contract.
fn check(path: &str) -> Result<(), MaskError> {
    let unknown = || MaskError::Path {
        path: path.to_owned(),
    };
    let mut message = proto::descriptor_pool().get_message_by_name("flow.Flow");
    for part in path.split('.') {
        let field = message
            .and_then(|message| message.get_field_by_name(part))
            .ok_or_else(unknown)?;
        message = field
            .kind()
            .as_message()
            .filter(|_| !field.is_list())
            .cloned();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ALSO_PRINTED, HUBBLE, MaskError, POLICIES, check, check_for_dedup, mask};
    use crate::output::Format;

    #[test]
    fn every_default_path_is_a_field() {
        for path in HUBBLE.iter().chain(&ALSO_PRINTED).chain(&POLICIES) {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn paths_that_lead_nowhere() {
        for path in [
            "",
            "nope",
            "source.nope",
            "verdict.x",
            "source.workloads.name",
            "ip",
        ] {
            let path = path.to_owned();
            assert_eq!(check(&path), Err(MaskError::Path { path: path.clone() }));
        }
    }

    #[test]
    fn dedup_needs_fields() {
        let default = mask(Format::Compact, &[], true, false).expect("no custom path");
        assert_eq!(check_for_dedup(default.as_ref()), Ok(()));
        assert_eq!(check_for_dedup(None), Ok(()));
        let all_but = "IP,l4,event_type,verdict,traffic_direction,policy_match_type,source";
        for (paths, missing) in [
            (
                format!("{all_but},destination.identity,is_reply,node_name"),
                None,
            ),
            (
                format!("{all_but},destination.labels,is_reply"),
                Some("destination.identity,node_name"),
            ),
        ] {
            let paths: Vec<String> = paths.split(',').map(str::to_owned).collect();
            let custom = mask(Format::Json, &paths, true, false).expect("they are fields");
            let expected =
                missing.map_or(Ok(()), |fields| Err(MaskError::Dedup(fields.to_owned())));
            assert_eq!(check_for_dedup(custom.as_ref()), expected);
        }
    }
}
