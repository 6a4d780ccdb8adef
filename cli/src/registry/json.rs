//! What is in the registry, as one JSON object: its entries as they are stored.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use registry::cluster::{ClusterState, NodeLife};
use serde_json::{Map, Value, json};

use super::place::Content;
use super::{Section, Shown, summary};

/// Writes these parts.
pub(super) fn write(
    out: &mut dyn Write,
    content: &Content,
    lives: &BTreeMap<String, NodeLife>,
    shown: &Shown,
) -> io::Result<()> {
    let state = &content.state;
    let mut object = Map::new();
    object.insert("registry".to_owned(), content.backend.as_str().into());
    object.insert("cluster_id".to_owned(), json!(content.cluster_id));
    object.insert("revision".to_owned(), state.revision.into());
    object.insert("left_out".to_owned(), content.ignored.into());
    if shown.summary {
        object.insert("summary".to_owned(), summary::json(state));
    }
    for section in shown.sections {
        let (name, entries) = match section {
            Section::Nodes => ("nodes", nodes(state, lives)),
            Section::Endpoints => ("endpoints", list(state.endpoints.values())),
            Section::Identities => ("identities", identities(state)),
            Section::Policies => ("policies", list(state.policies.values())),
            Section::Services => ("services", list(state.services.values())),
        };
        object.insert(name.to_owned(), entries);
    }
    writeln!(out, "{}", Value::Object(object))
}

fn list<'a, T: serde::Serialize + 'a>(entries: impl Iterator<Item = &'a Arc<T>>) -> Value {
    entries.map(|entry| json!(**entry)).collect()
}

/// With what keeps each.
fn nodes(state: &ClusterState, lives: &BTreeMap<String, NodeLife>) -> Value {
    let node = |(name, entry): (&Arc<str>, &Arc<registry::cluster::NodeEntry>)| {
        let mut value = json!(**entry);
        match lives.get(&**name) {
            Some(NodeLife::Lease { length, remaining }) => {
                value["lease_seconds"] = length.as_secs().into();
                value["lease_remaining_seconds"] = remaining.as_secs().into();
            }
            Some(NodeLife::Process { lives }) => value["process_lives"] = (*lives).into(),
            None => {}
        }
        value
    };
    state.nodes.iter().map(node).collect()
}

/// With the nodes that use each.
fn identities(state: &ClusterState) -> Value {
    state
        .identities
        .iter()
        .map(|(identity, entry)| {
            let mut value = json!(**entry);
            let users = state.users.get(identity);
            let users: Vec<&str> = users
                .into_iter()
                .flat_map(|users| users.iter().map(|user| &**user))
                .collect();
            value["users"] = json!(users);
            value
        })
        .collect()
}
