//! What is told of a rule, and how that is written down beside its number.

use bpf_events::record::{DIRECTION_EGRESS, DIRECTION_INGRESS};
use flow::rules::{PolicyRef, RuleAction, RuleInfo};
use policy::{Action, Direction, PolicyName, RuleKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The built-in rule by which a node and its own endpoints reach each other.
const LOCAL_HOST: &str = "reserved:local-host";

/// Labels that Cilium gives the rules of a policy object.
const LABEL_PREFIX: &str = "k8s:io.cilium.k8s.policy";

/// What is told of a rule.
pub(super) fn info(key: &RuleKey) -> RuleInfo {
    RuleInfo {
        policies: vec![policy(&key.policy)],
        index: Some(key.index),
        direction: number(key.direction),
        action: match key.action {
            Action::Allow => RuleAction::Allow,
            Action::Deny => RuleAction::Deny,
        },
        description: key.to_string(),
    }
}

/// What is told of a default deny: the policies that ask for it, or that the node's setting does.
pub(super) fn default_deny(direction: Direction, policies: &[&PolicyName]) -> RuleInfo {
    let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
    let description = if names.is_empty() {
        "default deny by the policy enforcement setting".to_owned()
    } else {
        format!("default deny by {}", names.join(", "))
    };
    RuleInfo {
        policies: policies.iter().map(|name| policy(name)).collect(),
        index: None,
        direction: number(direction),
        action: RuleAction::Deny,
        description,
    }
}

/// What makes it the same default deny over time.
pub(super) fn default_deny_key(direction: Direction, policies: &[&PolicyName]) -> String {
    let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
    format!("default-deny {direction} {}", names.join(","))
}

fn number(direction: Direction) -> u8 {
    match direction {
        Direction::Ingress => DIRECTION_INGRESS,
        Direction::Egress => DIRECTION_EGRESS,
    }
}

fn policy(policy: &PolicyName) -> PolicyRef {
    PolicyRef {
        kind: policy.kind.to_string(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
        labels: policy_labels(policy),
    }
}

/// Labels of a policy, as Cilium gives them to its rules.
pub(crate) fn policy_labels(policy: &PolicyName) -> Vec<String> {
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
        policies: vec![PolicyRef {
            name: LOCAL_HOST.to_owned(),
            labels: vec![LOCAL_HOST.to_owned()],
            ..PolicyRef::default()
        }],
        description: LOCAL_HOST.to_owned(),
        ..RuleInfo::default()
    }
}

/// The written form.
#[derive(Serialize, Deserialize)]
struct Description {
    #[serde(default)]
    policies: Vec<PolicyDescription>,
    /// The one policy of a rule, as an earlier version wrote it.
    #[serde(flatten)]
    policy: Option<PolicyDescription>,
    index: Option<u32>,
    direction: u8,
    deny: bool,
    description: String,
}

/// The written form of a policy.
#[derive(Serialize, Deserialize)]
struct PolicyDescription {
    kind: String,
    namespace: String,
    name: String,
    labels: Vec<String>,
}

pub(super) fn describe(info: &RuleInfo) -> Map<String, Value> {
    let policies = info.policies.iter().map(|policy| PolicyDescription {
        kind: policy.kind.clone(),
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
        labels: policy.labels.clone(),
    });
    let description = Description {
        policies: policies.collect(),
        policy: None,
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
    let policies = read.policies.into_iter().chain(read.policy);
    Ok(RuleInfo {
        policies: policies
            .map(|policy| PolicyRef {
                kind: policy.kind,
                namespace: policy.namespace,
                name: policy.name,
                labels: policy.labels,
            })
            .collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use policy::PolicyKind;

    #[test]
    fn what_is_written_reads_back_as_does_what_an_earlier_version_wrote() {
        let name = PolicyName {
            kind: PolicyKind::NetworkPolicy,
            namespace: "shop".to_owned(),
            name: "db".to_owned(),
        };
        let both = default_deny(Direction::Egress, &[&name, &name]);
        assert_eq!(
            both.description,
            "default deny by NetworkPolicy/shop/db, NetworkPolicy/shop/db"
        );
        for info in [both, default_deny(Direction::Ingress, &[]), local_host()] {
            assert_eq!(read(&describe(&info)).unwrap(), info);
        }
        let earlier = serde_json::json!({
            "kind": "NetworkPolicy", "namespace": "shop", "name": "db", "labels": policy_labels(&name),
            "index": 2, "direction": 1, "deny": false, "description": "text",
        });
        let info = read(earlier.as_object().unwrap()).unwrap();
        assert_eq!(info.policies, [policy(&name)]);
        assert_eq!((info.index, info.action), (Some(2), RuleAction::Allow));
        assert!(read(&Map::new()).is_err());
    }
}
