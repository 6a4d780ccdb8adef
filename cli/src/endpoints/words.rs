//! States, enforcement and owners in words.

use proto::tycho::v1::{Endpoint, EndpointState, Enforcement, Owner};

/// `namespace/name`, or `name`.
pub(super) fn name(endpoint: &Endpoint) -> String {
    if endpoint.namespace.is_empty() {
        endpoint.name.clone()
    } else {
        format!("{}/{}", endpoint.namespace, endpoint.name)
    }
}

/// The state, one line below the other where it is long.
pub(super) fn state(endpoint: &Endpoint) -> &'static [&'static str] {
    match endpoint.state() {
        EndpointState::Unspecified => &["unknown"],
        EndpointState::WaitingForIdentity => &["waiting for", "identity"],
        EndpointState::WaitingForInterface => &["waiting for", "interface"],
        EndpointState::PartlyObserved => &["partly", "observed"],
        EndpointState::Ready => &["ready"],
        EndpointState::Disconnecting => &["disconnecting"],
    }
}

pub(super) fn enforcement(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::Unspecified => "unknown",
        Enforcement::Disabled => "disabled",
        Enforcement::Enabled => "enabled",
        Enforcement::Audit => "audit",
    }
}

/// What becomes of a packet that no rule allows.
pub(super) fn consequence(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::Unspecified => "unknown",
        Enforcement::Disabled => "disabled: everything passes",
        Enforcement::Enabled => "enabled: what no rule allows is dropped",
        Enforcement::Audit => "audit: what no rule allows passes with the verdict AUDIT",
    }
}

/// Who defined it, and where.
pub(super) fn definition(endpoint: &Endpoint) -> String {
    let owner = match endpoint.owner() {
        Owner::Unspecified => "",
        Owner::File => "in ",
        Owner::Api => "by `tycho endpoint add`",
    };
    match (endpoint.owner(), endpoint.source.is_empty()) {
        (Owner::Api, false) => format!("{owner}, {}", endpoint.source),
        _ => format!("{owner}{}", endpoint.source),
    }
}
