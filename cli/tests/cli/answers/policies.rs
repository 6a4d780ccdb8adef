//! Canned answers about policies: what they say, decide and have decided.

use proto::flow::{
    self, CiliumEventType, Flow, Ip, Layer4, Tcp, TrafficDirection, Verdict, layer4,
};
use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::{
    Decision, Difference, Explanation, GetFlowsResponse, GetVerdictResponse, ListPoliciesResponse,
    NearMiss, PairVerdict, Policy, PolicyName, Rule, RuleName, VerdictIdentity,
};

use super::{labels, texts};
use crate::fake_node::time;

pub(crate) const POLICY_TEXT: &str =
    "# backend may\x1b[2J\nkind: CiliumNetworkPolicy\nmetadata:\n  name: db\n";

const FILE: &str = "/run/tycho/demo/policies/db.yaml";

pub(super) fn name(kind: &str, namespace: &str, name: &str) -> PolicyName {
    PolicyName {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn rule(section: &str, index: u32, description: &str, packets: u64) -> Rule {
    Rule {
        section: section.to_owned(),
        index,
        description: description.to_owned(),
        number: 2 + index,
        line: 12 + index,
        packets,
        bytes: packets * 100,
        last_hit: time(30).filter(|_| packets > 0),
    }
}

pub(crate) fn policies() -> ListPoliciesResponse {
    let backend = Policy {
        name: Some(name("CiliumNetworkPolicy", "shop", "backend")),
        owner: "file".to_owned(),
        source: "/run/tycho/demo/policies/backend.yaml:2".to_owned(),
        subject: "k8s:role=backend".to_owned(),
        default_deny_ingress: true,
        rules: vec![
            rule(
                "ingress",
                0,
                "fromEndpoints any:role=frontend,k8s:io.kubernetes.pod.namespace=shop; TCP 8080",
                12_345,
            ),
            rule(
                "ingress",
                1,
                "fromEndpoints k8s:role=frontend; ICMPv4 8, ICMPv6 128",
                0,
            ),
        ],
        endpoints: 2,
        ..Default::default()
    };
    let database = Policy {
        name: Some(name("CiliumNetworkPolicy", "shop", "db")),
        source: format!("{FILE}:2"),
        subject: "k8s:role=db".to_owned(),
        rules: vec![
            rule("ingress", 0, "fromEndpoints k8s:role=backend; TCP 5432", 10),
            rule("ingressDeny", 0, "fromEndpoints k8s:role=intruder", 3),
        ],
        endpoints: 1,
        ..backend.clone()
    };
    let imported = Policy {
        name: Some(name("CiliumClusterwideNetworkPolicy", "", "db")),
        owner: "api".to_owned(),
        source: String::new(),
        audited: true,
        subject: "k8s:role=\x1b[31mnobody".to_owned(),
        default_deny_ingress: true,
        default_deny_egress: true,
        rules: vec![rule("egress", 0, "toEntities world", 0)],
        ..Default::default()
    };
    ListPoliciesResponse {
        node_name: "default/demo-node-a".to_owned(),
        revision: 3,
        policies: vec![backend, database, imported],
        counted_since: time(0),
        problem: "db.yaml:3: spec.nope:\nunknown field".to_owned(),
    }
}

fn rule_name(section: &str, index: u32, description: &str) -> RuleName {
    RuleName {
        policy: Some(name("CiliumNetworkPolicy", "shop", "db")),
        section: section.to_owned(),
        index,
        source: format!("{FILE}:{}", 12 + index),
        description: description.to_owned(),
        number: 3,
    }
}

fn difference(what: &str, wanted: &str, found: &str) -> Difference {
    Difference {
        what: what.to_owned(),
        wanted: wanted.to_owned(),
        found: found.to_owned(),
    }
}

fn passes(sentence: &str) -> Decision {
    Decision {
        verdict: Verdict::Forwarded.into(),
        match_type: "all".to_owned(),
        sentence: sentence.to_owned(),
        ..Default::default()
    }
}

fn default_deny() -> Decision {
    Decision {
        verdict: Verdict::Dropped.into(),
        enforced: true,
        default_deny: vec![name("CiliumNetworkPolicy", "shop", "db")],
        match_type: "none".to_owned(),
        near: vec![NearMiss {
            rule: Some(rule_name(
                "ingress",
                0,
                "fromEndpoints k8s:role=backend; TCP 5432",
            )),
            differences: vec![
                difference(
                    "peer",
                    "any:role=backend,k8s:io.kubernetes.pod.namespace=shop",
                    "k8s:role=frontend, k8s:io.kubernetes.pod.namespace=shop",
                ),
                difference("port", "TCP 5432", "TCP 80\x1b"),
            ],
        }],
        sentence: format!(
            "denied: nothing allows it; CiliumNetworkPolicy/shop/db ({FILE}:2) puts shop/db into default deny for ingress"
        ),
        ..Default::default()
    }
}

/// Nobody at all for port 1; all pass for port 5432; else one of three is dropped.
pub(crate) fn verdict(port: u32) -> GetVerdictResponse {
    let end = |identity, role: &str, app: &str, endpoints: &[&str]| {
        Some(VerdictIdentity {
            identity,
            labels: labels(role, app),
            endpoints: texts(endpoints),
        })
    };
    let to = end(258, "db", "orders-db", &["shop/db"]);
    let allowed = PairVerdict {
        from: end(257, "backend", "orders", &["a", "b", "c", "d", "e"]),
        to: to.clone(),
        egress: Some(passes("allowed: no policy restricts the egress of shop/db")),
        ingress: Some(Decision {
            rule: Some(rule_name(
                "ingress",
                0,
                "fromEndpoints k8s:role=backend; TCP 5432",
            )),
            ..passes("a rule allows it")
        }),
        verdict: Verdict::Forwarded.into(),
    };
    let dropped = PairVerdict {
        from: end(
            256,
            "frontend",
            "storefront",
            &["shop/frontend-1", "shop/frontend-2"],
        ),
        ingress: Some(default_deny()),
        verdict: Verdict::Dropped.into(),
        ..allowed.clone()
    };
    let audited = PairVerdict {
        from: end(260, "intruder", "unknown", &[]),
        ingress: Some(Decision {
            verdict: Verdict::Audit.into(),
            rule: Some(rule_name(
                "ingressDeny",
                0,
                "fromEndpoints k8s:role=intruder",
            )),
            sentence: "a rule of an audited policy would deny it".to_owned(),
            ..Default::default()
        }),
        verdict: Verdict::Audit.into(),
        ..allowed.clone()
    };
    let pairs = match port {
        1 => Vec::new(),
        5432 => vec![allowed, audited],
        _ => vec![allowed, dropped, audited],
    };
    GetVerdictResponse {
        pairs,
        truncated: port == 53,
        revision: 3,
    }
}

pub(crate) fn explanation(changed: bool) -> Explanation {
    let end = |role: &str, app: &str, pod: &str, identity| {
        Some(flow::Endpoint {
            identity,
            namespace: "shop".to_owned(),
            labels: labels(role, app),
            pod_name: pod.to_owned(),
            ..Default::default()
        })
    };
    let tcp = Tcp {
        source_port: 44_822,
        destination_port: 5_432,
        ..Default::default()
    };
    let told = Flow {
        time: time(4),
        uuid: "5f0c-1".to_owned(),
        verdict: Verdict::Dropped.into(),
        drop_reason_desc: flow::DropReason::PolicyDenied.into(),
        ip: Some(Ip {
            source: "10.1.0.12".to_owned(),
            destination: "10.1.0.31".to_owned(),
            ..Default::default()
        }),
        l4: Some(Layer4 {
            protocol: Some(layer4::Protocol::Tcp(tcp)),
        }),
        source: end("frontend", "storefront", "frontend-2\x1b", 256),
        destination: end("db", "orders-db", "db", 258),
        event_type: Some(CiliumEventType {
            r#type: 1,
            sub_type: 133,
        }),
        traffic_direction: TrafficDirection::Ingress.into(),
        summary: "TCP Flags: SYN".to_owned(),
        ..Default::default()
    };
    Explanation {
        flow: Some(GetFlowsResponse {
            response_types: Some(ResponseTypes::Flow(told)),
            node_name: "default/demo-node-a".to_owned(),
            time: time(4),
            tycho: None,
        }),
        decision: Some(default_deny()),
        revision: 3,
        compared_revision: if changed { 7 } else { 3 },
        yaml: POLICY_TEXT.to_owned(),
        now: changed.then(|| Decision {
            rule: Some(rule_name("ingress", 1, "fromEndpoints k8s:role=frontend")),
            ..passes("a rule allows it")
        }),
    }
}
