//! Values that a filter could have: of what was counted and seen, those with a part in common.

use std::collections::BTreeSet;

use proto::flow::DropReason;
use proto::tycho::v1::{GetHintsRequest, GetHintsResponse, HintKind};
use tonic::Status;

use crate::dashboard::DashboardCounts;

/// Values of an answer, unless the client says how many; and at most.
const HINTS: u32 = 20;
const MOST_HINTS: u32 = 200;

/// The answer to one request: what begins with the part first, each by the alphabet.
pub(super) fn hints(
    counts: &DashboardCounts,
    request: &GetHintsRequest,
) -> Result<GetHintsResponse, Status> {
    let part = request.part.to_lowercase();
    let most = match request.most {
        0 => HINTS,
        most => most.min(MOST_HINTS),
    } as usize;
    let mut found: BTreeSet<(bool, String)> = BTreeSet::new();
    let mut more = false;
    let mut offer = |value: &str| {
        let lower = value.to_lowercase();
        if value.is_empty() || !lower.contains(&part) {
            return;
        }
        found.insert((!lower.starts_with(&part), value.to_owned()));
        if found.len() > most {
            found.pop_last();
            more = true;
        }
    };
    let tables = &counts.tables;
    match request.kind() {
        HintKind::Unspecified => {
            return Err(Status::invalid_argument(
                "kind is missing: say what the values are of, such as HINT_POD",
            ));
        }
        HintKind::HintPod => counts.pods.names().for_each(offer),
        HintKind::HintNamespace => tables.ends().for_each(|(_, namespace, _)| offer(namespace)),
        HintKind::HintLabel => {
            let labels = tables.ends().flat_map(|(labels, ..)| labels);
            labels.for_each(|label| offer(label));
        }
        HintKind::HintWorkload => {
            let workloads = tables.ends().flat_map(|(.., workloads)| workloads);
            workloads.for_each(|workload| offer(workload));
        }
        HintKind::HintPort => {
            let ports = tables.ports_and_reasons().map(|(port, _)| port);
            ports
                .filter(|port| *port != 0)
                .for_each(|port| offer(&port.to_string()));
        }
        HintKind::HintDropReason => {
            let reasons = tables.ports_and_reasons().map(|(_, reason)| reason);
            reasons
                .filter(|reason| *reason != 0)
                .filter_map(|reason| DropReason::try_from(reason).ok())
                .for_each(|reason| offer(reason.as_str_name()));
        }
        HintKind::HintRule => tables.rule_names().for_each(offer),
        HintKind::HintNode => tables.node_names().for_each(offer),
    }
    Ok(GetHintsResponse {
        values: found.into_iter().map(|(_, value)| value).collect(),
        more,
    })
}
