//! What is told of a rule, and how that is written down beside its number.

use bpf_events::record::{DIRECTION_EGRESS, DIRECTION_INGRESS};
use flow::rules::{RuleAction, RuleInfo};
use policy::{Action, Direction, PolicyName, RuleKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The built-in rule by which a node and its own endpoints reach each other.
const LOCAL_HOST: &str = "reserved:local-host";

/// Labels that Cilium gives the rules of a policy object.
const LABEL_PREFIX: &str = "k8s:io.cilium.k8s.policy";

/// What is told of a rule.
pub(super) fn info(key: &RuleKey) -> RuleInfo {
    let policy = &key.policy;
    RuleInfo {
        kind: policy.kind.to_string(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
        labels: labels(policy),
        index: Some(key.index),
        direction: match key.direction {
            Direction::Ingress => DIRECTION_INGRESS,
            Direction::Egress => DIRECTION_EGRESS,
        },
        action: match key.action {
            Action::Allow => RuleAction::Allow,
            Action::Deny => RuleAction::Deny,
        },
        description: key.to_string(),
    }
}

fn labels(policy: &PolicyName) -> Vec<String> {
    let mut labels = vec![
        format!("{LABEL_PREFIX}.derived-from={}", policy.kind),
        format!("{LABEL_PREFIX}.name={}", policy.name),
    ];
    if !policy.namespace.is_empty() {
        labels.push(format!("{LABEL_PREFIX}.namespace={}", policy.namespace));
    }
    labels
}

/// The rule by which a node and its own endpoints reach each other.
pub(super) fn local_host() -> RuleInfo {
    RuleInfo {
        name: LOCAL_HOST.to_owned(),
        labels: vec![LOCAL_HOST.to_owned()],
        description: LOCAL_HOST.to_owned(),
        ..RuleInfo::default()
    }
}

/// The written form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    kind: String,
    namespace: String,
    name: String,
    labels: Vec<String>,
    index: Option<u32>,
    direction: u8,
    deny: bool,
    description: String,
}

pub(super) fn describe(info: &RuleInfo) -> Map<String, Value> {
    let description = Description {
        kind: info.kind.clone(),
        namespace: info.namespace.clone(),
        name: info.name.clone(),
        labels: info.labels.clone(),
        index: info.index,
        direction: info.direction,
        deny: info.action == RuleAction::Deny,
        description: info.description.clone(),
    };
    match serde_json::to_value(description) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

pub(super) fn read(description: &Map<String, Value>) -> Result<RuleInfo, serde_json::Error> {
    let read = Description::deserialize(description)?;
    Ok(RuleInfo {
        kind: read.kind,
        namespace: read.namespace,
        name: read.name,
        labels: read.labels,
        index: read.index,
        direction: read.direction,
        action: if read.deny {
            RuleAction::Deny
        } else {
            RuleAction::Allow
        },
        description: read.description,
    })
}
