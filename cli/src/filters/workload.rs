//! `--workload`, `--from-workload`, `--to-workload`: workloads by `kind/name`, name or kind.

use proto::flow::Workload;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "workload",
        "[KIND/]NAME",
        "Flows with an end of this workload",
        |pair, value| {
            pair.push_either(
                |f| &mut f.source_workload,
                |f| &mut f.destination_workload,
                parse(value),
            );
            Ok(())
        },
    ),
    FilterFlag::new(
        "from-workload",
        "[KIND/]NAME",
        "Flows from this workload",
        |pair, value| {
            pair.push(|f| &mut f.source_workload, parse(value));
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-workload",
        "[KIND/]NAME",
        "Flows to this workload",
        |pair, value| {
            pair.push(|f| &mut f.destination_workload, parse(value));
            Ok(())
        },
    ),
];

/// Kinds that may stand without a name.
const KINDS: [&str; 8] = [
    "cronjob",
    "daemonset",
    "deployment",
    "job",
    "pod",
    "replicaset",
    "replicationcontroller",
    "statefulset",
];

fn parse(value: &str) -> Workload {
    match value.split_once('/') {
        Some((kind, name)) => Workload {
            kind: kind.to_owned(),
            name: name.to_owned(),
        },
        None if KINDS.contains(&value.to_ascii_lowercase().as_str()) => Workload {
            kind: value.to_owned(),
            name: String::new(),
        },
        None => Workload {
            kind: String::new(),
            name: value.to_owned(),
        },
    }
}
