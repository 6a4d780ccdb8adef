//! What the registry is, and how much is in it.

use std::io::{self, Write};
use std::sync::Arc;

use policy::Identity;
use registry::cluster::ClusterState;
use serde::Serialize;
use serde_json::{Value, json};

use super::place::Content;
use crate::output::columns::{Columns, line};
use crate::output::number::grouped;

/// The entries of one kind.
struct Amount {
    kind: &'static str,
    entries: usize,
    /// Of their values, as stored.
    bytes: usize,
}

fn amount<'a, T: Serialize + 'a>(
    kind: &'static str,
    entries: impl ExactSizeIterator<Item = &'a Arc<T>>,
) -> Amount {
    Amount {
        kind,
        entries: entries.len(),
        bytes: entries.map(|entry| json!(**entry).to_string().len()).sum(),
    }
}

fn amounts(state: &ClusterState) -> [Amount; 5] {
    [
        amount("nodes", state.nodes.values()),
        amount("endpoints", state.endpoints.values()),
        amount("identities", state.identities.values()),
        amount("policies", state.policies.values()),
        amount("services", state.services.values()),
    ]
}

/// How many identities some node uses, how many none does, and how many numbers have no labels.
fn identities(state: &ClusterState) -> (usize, usize, usize) {
    let known = state.identities.len();
    let is_used = |identity: &&Identity| state.users.contains_key(*identity);
    let used = state.identities.keys().filter(is_used).count();
    let numbers = Identity::LAST_ALLOCATED.0 - Identity::FIRST_ALLOCATED.0 + 1;
    (used, known - used, (numbers as usize).saturating_sub(known))
}

/// Writes it for people.
pub(super) fn write(out: &mut dyn Write, content: &Content) -> io::Result<()> {
    let state = &content.state;
    let mut what = Columns::new(&["REGISTRY", &content.backend]);
    let cluster = content.cluster_id.as_deref();
    what.row([line("CLUSTER"), line(cluster.unwrap_or("none yet"))]);
    what.row([line("REVISION"), line(state.revision.to_string())]);
    what.write(out)?;
    writeln!(out)?;
    let mut table = Columns::new(&["KIND", "ENTRIES", "BYTES"]);
    for amount in amounts(state) {
        table.row([
            line(amount.kind),
            line(grouped(amount.entries as u64)),
            line(grouped(amount.bytes as u64)),
        ]);
    }
    table.write(out)?;
    let (used, resting, free) = identities(state);
    writeln!(
        out,
        "\nof the identities {} are in use, {} rest; {} numbers are free",
        grouped(used as u64),
        grouped(resting as u64),
        grouped(free as u64)
    )
}

/// The same as JSON.
pub(super) fn json(state: &ClusterState) -> Value {
    let kinds = amounts(state);
    let kinds = kinds.iter().map(|amount| {
        let value = json!({"entries": amount.entries, "bytes": amount.bytes});
        (amount.kind.to_owned(), value)
    });
    let (used, resting, free) = identities(state);
    json!({
        "kinds": kinds.collect::<serde_json::Map<String, Value>>(),
        "identities": {"in_use": used, "resting": resting, "free": free},
    })
}
