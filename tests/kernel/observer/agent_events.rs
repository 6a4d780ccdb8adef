//! Agent events of a real observer: what it tells of endpoints, policies and addresses, when its maps say so.

use proto::flow::AgentEvent;
use proto::flow::agent_event::Notification;
use tests::agent::Agent;
use tests::cable::unplug;
use tests::grpc::{Grpc, Messages};
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 2] = [("frontend-1", "frontend"), ("backend-1", "backend")];

const NETWORKS: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: networks, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromCIDR: [192.0.2.0/24]
"#;

#[test]
fn what_the_agent_does_is_told() {
    let mut site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let grpc = Grpc::connect(&agent);
    let mut events = Events(grpc.follow_agent_events());
    let address = |name: &str| format!("{}/32", site.at(name, false, 0).ip());
    events.expect(&[
        "agent_started",
        &format!("ipcache_upserted {}", address("frontend-1")),
        "policy_updated backend",
        "endpoint_created frontend-1",
        "endpoint_regenerate_success role=frontend",
    ]);

    site.add("guest-1", "guest");
    let guest = format!("{}/32", site.at("guest-1", false, 0).ip());
    events.expect(&[
        &format!("ipcache_upserted {guest} shop/guest-1"),
        "endpoint_created guest-1",
        "endpoint_regenerate_success role=guest",
    ]);
    site.relabel("guest-1", "visitor");
    events.expect(&[
        &format!("ipcache_upserted {guest} shop/guest-1 changed"),
        "endpoint_regenerate_success role=visitor",
    ]);
    site.set_policies(&format!("{POLICY}---{NETWORKS}"));
    events.expect(&[
        "ipcache_upserted 192.0.2.0/24",
        "policy_updated networks",
        "endpoint_regenerate_success role=backend",
    ]);
    site.set_policies(NETWORKS);
    events.expect(&[
        "policy_deleted backend",
        "endpoint_regenerate_success role=backend",
    ]);
    site.unlist("guest-1");
    events.expect(&[
        &format!("ipcache_deleted {guest} shop/guest-1"),
        "endpoint_deleted guest-1",
    ]);
    // An interface that is gone is told as an endpoint that could not be regenerated.
    unplug(&site, "frontend-1");
    events.expect(&["endpoint_regenerate_failure role=frontend"]);
}

/// What is told, in order.
struct Events<'a>(Messages<'a, proto::observer::GetAgentEventsResponse>);

impl Events<'_> {
    /// These come in this order; others may come between.
    fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            let mut seen = Vec::new();
            let found = self.0.by_ref().find_map(|answer| {
                let told = short(&answer.agent_event.expect("an event"));
                let is_it = told.starts_with(line);
                seen.push(told);
                // A wrong one would be waited for for ever.
                (is_it || seen.len() > 64).then_some(is_it)
            });
            assert_eq!(found, Some(true), "{line}: {seen:#?}");
        }
    }
}

fn short(event: &AgentEvent) -> String {
    let kind = event.r#type().as_str_name().to_lowercase();
    let what = match &event.notification {
        Some(Notification::EndpointUpdate(endpoint)) => endpoint.pod_name.clone(),
        Some(Notification::EndpointRegenerate(endpoint)) => {
            let mut labels = endpoint.labels.iter();
            let role = labels.find(|label| label.starts_with("k8s:role="));
            let role = role.and_then(|role| role.strip_prefix("k8s:"));
            format!("{} {}", role.unwrap_or_default(), endpoint.error)
        }
        Some(Notification::PolicyUpdate(policy)) => {
            let mut labels = policy.labels.iter();
            let name = labels.find_map(|label| label.split_once(".policy.name="));
            name.map_or(String::new(), |(_, name)| name.to_owned())
        }
        Some(Notification::IpcacheUpdate(change)) => {
            let changed = change.old_identity.filter(|old| *old != change.identity);
            let changed = changed.map_or("", |_| " changed");
            format!(
                "{} {}/{}{changed}",
                change.cidr, change.namespace, change.pod_name
            )
        }
        _ => String::new(),
    };
    format!("{kind} {what}")
}
