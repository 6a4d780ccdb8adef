//! One endpoint of the file as the maps know it.

use bpf_events::endpoint::{
    EndpointRow, MODE_AUDIT, MODE_ENFORCE, MODE_OFF, SPOOFING_OFF, SPOOFING_STRICT,
};
use flow::metadata::{MetadataContent, MetadataKind, Workload};
use policy::{Identity, LabelSet};
use registry::endpoint_file::{Cidr, EndpointSpec, Mode, Spoofing};

/// What flows say of an endpoint.
pub(super) fn content(
    spec: &EndpointSpec,
    cluster: &str,
    labels: LabelSet,
    number: u32,
    identity: Identity,
) -> MetadataContent {
    let workload = spec.workload.iter();
    MetadataContent {
        kind: MetadataKind::Endpoint,
        endpoint_id: number,
        identity: identity.0,
        labels,
        namespace: spec.namespace.clone().unwrap_or_default(),
        pod_name: spec.name.clone(),
        workloads: workload
            .map(|workload| Workload {
                kind: workload.kind.clone(),
                name: workload.name.clone(),
            })
            .collect(),
        cluster_name: cluster.to_owned(),
    }
}

/// What flows say of a network that a rule names.
pub(super) fn prefix_content(cidr: Cidr, identity: Identity) -> MetadataContent {
    MetadataContent {
        kind: MetadataKind::Cidr,
        identity: identity.0,
        labels: Identity::prefix_labels(cidr),
        ..MetadataContent::default()
    }
}

/// The row of an endpoint, without its "other" slot.
pub(super) fn row(
    spec: &EndpointSpec,
    default_mode: Mode,
    number: u16,
    identity: Identity,
    metadata: u32,
    policy_set: u32,
) -> EndpointRow {
    EndpointRow {
        identity: identity.0,
        metadata,
        policy_set,
        other_slot: 0,
        endpoint: number,
        mode: match spec.mode.unwrap_or(default_mode) {
            Mode::Enforce => MODE_ENFORCE,
            Mode::Audit => MODE_AUDIT,
            Mode::Off => MODE_OFF,
        },
        spoofing: match spec.spoofing {
            Spoofing::Off => SPOOFING_OFF,
            Spoofing::Strict | Spoofing::Cidrs(_) => SPOOFING_STRICT,
        },
    }
}

/// What it may send from besides its addresses.
pub(super) fn sources(spec: &EndpointSpec) -> Vec<Cidr> {
    match &spec.spoofing {
        Spoofing::Cidrs(cidrs) => cidrs.clone(),
        Spoofing::Off | Spoofing::Strict => Vec::new(),
    }
}
