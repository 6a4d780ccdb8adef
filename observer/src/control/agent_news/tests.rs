//! Each change is told once, and nothing else is.

use std::path::Path;

use bpf_events::ipcache::AddressInfo;
use policy::{LabelSet, PolicyRepository};
use proto::tycho::v1::Enforcement;
use registry::endpoint_file::{Mode, parse};

use super::*;
use crate::agent_events::AGENT_EVENTS;
use crate::control::endpoint_state::{Seen, Standing};
use crate::desired::Owner;

fn news() -> AgentNews {
    AgentNews::new(Arc::default(), Arc::new(MetadataTable::new()), 5, 0)
}

/// What was told since the last call, in short.
fn told(news: &AgentNews, next: &mut u64) -> Vec<String> {
    let read = news.events.since(*next);
    *next = read.next;
    read.events
        .iter()
        .map(|event| short(&event.event))
        .collect()
}

fn short(event: &AgentEvent) -> String {
    let what = match event.notification.as_ref().unwrap() {
        Notification::AgentStart(start) => format!("at {}", start.time.unwrap()),
        Notification::PolicyUpdate(policy) => {
            let name = policy
                .labels
                .iter()
                .find_map(|label| label.split_once(".name="));
            let name = name.map_or("?", |(_, name)| name);
            format!(
                "{name} rules {} revision {}",
                policy.rule_count, policy.revision
            )
        }
        Notification::EndpointUpdate(endpoint) => {
            format!(
                "{} {}/{}",
                endpoint.id, endpoint.namespace, endpoint.pod_name
            )
        }
        Notification::EndpointRegenerate(endpoint) => {
            format!("{} {}", endpoint.id, endpoint.error)
        }
        Notification::IpcacheUpdate(change) => {
            let old = change
                .old_identity
                .map_or("-".to_owned(), |old| old.to_string());
            format!("{} {} was {old}", change.cidr, change.identity)
        }
        other => format!("{other:?}"),
    };
    format!("{} {what}", event.r#type().as_str_name().to_lowercase())
}

fn view(name: &str, number: u16, role: &str, seen: &Seen) -> Arc<EndpointView> {
    let text = format!(
        "node: n\nendpoints: [{{name: {name}, namespace: shop, netns: x, ips: [10.0.0.1], labels: {{role: {role}}}}}]"
    );
    let file = parse(Path::new("e.yaml"), &text).unwrap();
    Arc::new(EndpointView {
        name: format!("shop/{name}"),
        number,
        identity: 300,
        labels: LabelSet::parse([format!("k8s:role={role}")]).unwrap(),
        spec: Arc::new(file.endpoints[0].clone()),
        owner: Owner::File,
        source: "e.yaml:1".into(),
        mode: Mode::Enforce,
        ingress: Enforcement::Disabled,
        egress: Enforcement::Disabled,
        interface: None,
        standing: Standing::new(1).after(seen, 2),
    })
}

#[test]
fn endpoints_come_change_and_go() {
    let (mut news, mut next) = (news(), 0);
    let ready = Seen::Attached;
    let reason = "no veth".to_owned();
    let waiting = Seen::NoInterface { reason };
    assert_eq!(
        told(&news, &mut next),
        ["agent_started at 1970-01-01T00:00:00.000000005Z"]
    );
    let mut check = |views: &[Arc<EndpointView>], reset: Option<&str>, expect: &[&str]| {
        news.reset.extend(reset.map(|name| format!("shop/{name}")));
        news.endpoints(views);
        assert_eq!(told(&news, &mut next), expect);
    };
    let failed = "endpoint_regenerate_failure 1 no veth";
    check(&[view("a", 0, "x", &waiting)], None, &[]);
    let created = ["endpoint_created 1 shop/a", failed];
    check(&[view("a", 1, "x", &waiting)], None, &created);
    check(&[view("a", 1, "x", &waiting)], None, &[]);
    check(&[view("a", 1, "y", &waiting)], None, &[failed]);
    let regenerated = "endpoint_regenerate_success 1 ";
    check(&[view("a", 1, "y", &ready)], None, &[regenerated]);
    check(&[view("a", 1, "y", &ready)], Some("a"), &[regenerated]);
    check(&[view("a", 1, "y", &ready)], Some("b"), &[]);
    let both = [
        "endpoint_deleted 1 shop/a",
        "endpoint_created 2 shop/b",
        "endpoint_regenerate_success 2 ",
    ];
    check(&[view("b", 2, "y", &ready)], None, &both);
    check(&[view("b", 2, "y", &Seen::Unwanted)], None, &[]);
    check(&[], None, &["endpoint_deleted 2 shop/b"]);
}

#[test]
fn policies_come_change_and_go() {
    let policy = |name: &str, ports: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{podSelector: {{}}, ingress: {ports}}}\n"
        )
    };
    let (mut news, mut next) = (news(), 1);
    let mut repository = PolicyRepository::new();
    let mut check = |file: &str, text: &str, revision, expect: &[&str]| {
        repository.replace_file(file, text).unwrap();
        news.policies(repository.rules(), revision);
        assert_eq!(told(&news, &mut next), expect);
    };
    let (one, two) = (policy("one", "[{}]"), policy("two", "[]"));
    check(
        "1.yaml",
        &one,
        3,
        &["policy_updated one rules 1 revision 3"],
    );
    check(
        "2.yaml",
        &two,
        4,
        &["policy_updated two rules 0 revision 4"],
    );
    // Where a policy stands in its file is nothing new.
    check("1.yaml", &format!("# hello\n---\n{one}"), 5, &[]);
    let one = policy("one", "[{}, {}]");
    check(
        "1.yaml",
        &one,
        6,
        &["policy_updated one rules 2 revision 6"],
    );
    let both = [
        "policy_deleted one rules 2 revision 7",
        "policy_updated three rules 0 revision 7",
    ];
    check("1.yaml", &policy("three", "[]"), 7, &both);
}

#[test]
fn addresses_come_change_and_go() {
    let (news, mut next) = (news(), 1);
    let info = |identity| {
        Some(AddressInfo {
            identity,
            ..AddressInfo::default()
        })
    };
    let change = |before, now| IpCacheChange {
        cidr: "10.0.0.7/32".parse().unwrap(),
        before,
        now,
    };
    let mut changes = IpCacheNews::default();
    changes.add(change(None, info(300)));
    changes.add(change(info(300), info(301)));
    changes.add(change(info(301), None));
    news.ip_cache(changes);
    let expect = [
        "ipcache_upserted 10.0.0.7/32 300 was -",
        "ipcache_upserted 10.0.0.7/32 301 was 300",
        "ipcache_deleted 10.0.0.7/32 301 was -",
    ];
    assert_eq!(told(&news, &mut next), expect);
    // More at once than there is room for: the rest is counted.
    let mut changes = IpCacheNews::default();
    for _ in 0..AGENT_EVENTS + 5 {
        changes.add(change(None, info(300)));
    }
    news.ip_cache(changes);
    let read = news.events.since(next);
    assert_eq!((read.lost, read.events.len()), (5, AGENT_EVENTS));
}
