//! A small node: who is there, which rules, which interfaces.

use std::sync::Arc;

use bpf_events::record::DIRECTION_INGRESS;
use flow::encode::Names;
use flow::interfaces::InterfaceTable;
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent, MetadataKind, MetadataTable, Workload};
use flow::reference::Epoch;
use flow::rules::{PolicyRef, RuleAction, RuleInfo, RuleTable};
use policy::LabelSet;

fn content(identity: u32, namespace: &str, pod_name: &str, labels: &[&str]) -> MetadataContent {
    MetadataContent {
        kind: MetadataKind::Endpoint,
        endpoint_id: identity + 1,
        identity,
        labels: LabelSet::parse(labels).unwrap(),
        namespace: namespace.into(),
        pod_name: pod_name.into(),
        workloads: vec![
            Workload {
                kind: "Deployment".into(),
                name: pod_name.into()
            };
            usize::from(identity.is_multiple_of(2))
        ],
        cluster_name: if identity == 302 {
            String::new()
        } else {
            "default".into()
        },
    }
}

/// The default deny of three policies.
const DEFAULT_DENY: u32 = 3;

/// The default deny of a node whose setting asks for it.
const ALWAYS: u32 = 4;

pub(crate) fn node() -> Names {
    let metadata = MetadataTable::new();
    let long = "x".repeat(300);
    for (index, (identity, namespace, pod, labels)) in (FIRST_FREE_INDEX..).zip([
        (
            300,
            "shop",
            "frontend-1",
            &["k8s:role=frontend", "k8s:tier=web"][..],
        ),
        (301, "shop", "backend-1", &["k8s:role=backend"]),
        (302, "", "plain", &["unspec:role=frontend"]),
        (
            303,
            "default",
            "frontend-2",
            &["k8s:role=frontend", "container:image=nginx"],
        ),
        (304, "kube-system", long.as_str(), &["k8s:k8s-app=dns"]),
        (1 << 24, "", "", &["cidr:10.0.0.0/8"]),
    ]) {
        let content = content(identity, namespace, pod, labels);
        metadata
            .set(index, &format!("key/{identity}"), content, 5)
            .unwrap();
    }
    let rules = RuleTable::new();
    for (rule, action, index) in [
        (1, RuleAction::Allow, Some(4)),
        (2, RuleAction::Deny, None),
        (DEFAULT_DENY, RuleAction::Deny, None),
        (ALWAYS, RuleAction::Deny, None),
    ] {
        let policy = |name: String| PolicyRef {
            kind: "CiliumNetworkPolicy".into(),
            namespace: "shop".into(),
            labels: vec![format!("k8s:io.cilium.k8s.policy.name={name}")],
            name,
        };
        let names = match rule {
            DEFAULT_DENY => vec!["db".into(), "web".into(), String::new()],
            ALWAYS => vec![],
            _ => vec![format!("rule-{rule}")],
        };
        let info = RuleInfo {
            policies: names.into_iter().map(policy).collect(),
            index,
            direction: DIRECTION_INGRESS,
            action,
            description: format!("CiliumNetworkPolicy/shop/rule-{rule} ingress[4]"),
        };
        rules.set(rule, info).unwrap();
    }
    let interfaces = InterfaceTable::new();
    interfaces.replace([
        (7, "lxc-a".into()),
        (8, "lxc-b".into()),
        (9, "lxc-b".into()),
    ]);
    Names {
        node_name: "default/node-a".into(),
        epoch: Epoch::new(0x0123_4567_89ab_cdef),
        metadata: Arc::new(metadata),
        rules: Arc::new(rules),
        interfaces: Arc::new(interfaces),
    }
}
