//! What the numbers of the records stand for: a few endpoints, rules and interfaces.

use std::sync::Arc;

use flow::encode::Names;
use flow::interfaces::InterfaceTable;
use flow::metadata::{MetadataContent, MetadataTable};
use flow::reference::Epoch;
use flow::rules::{PolicyRef, RuleAction, RuleInfo, RuleTable};
use policy::LabelSet;

/// Endpoints have the metadata indexes from 16 on; rules have the numbers 1 to 3.
pub(crate) fn names() -> Names {
    let metadata = MetadataTable::new();
    for (number, role) in (0u32..).zip(["frontend", "backend", "db"]) {
        let content = MetadataContent {
            endpoint_id: 1 + number,
            identity: 256 + number,
            labels: LabelSet::parse([format!("k8s:role={role}")]).expect("this is a label"),
            namespace: "shop".into(),
            pod_name: format!("{role}-1"),
            ..MetadataContent::default()
        };
        metadata
            .set(16 + number, role, content, 0)
            .expect("the table has room");
    }
    let policy = |name: &str| PolicyRef {
        kind: "CiliumNetworkPolicy".into(),
        namespace: "shop".into(),
        name: name.into(),
        labels: Vec::new(),
    };
    let rules = RuleTable::new();
    // One that allows, one that denies, and a default deny of two policies.
    for (rule, action, policies) in [
        (1, RuleAction::Allow, vec![policy("backend")]),
        (2, RuleAction::Deny, vec![policy("backend")]),
        (3, RuleAction::Deny, vec![policy("backend"), policy("all")]),
    ] {
        let info = RuleInfo {
            policies,
            action,
            ..RuleInfo::default()
        };
        rules.set(rule, info).expect("the table has room");
    }
    let interfaces = InterfaceTable::new();
    interfaces.replace([(1, "veth-frontend".into()), (2, "veth-backend".into())]);
    Names {
        node_name: "default/node-a".into(),
        epoch: Epoch::new(0x0123_4567_89ab_cdef),
        metadata: Arc::new(metadata),
        rules: Arc::new(rules),
        interfaces: Arc::new(interfaces),
    }
}
