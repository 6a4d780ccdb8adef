//! What the demo's endpoints do all the time: allowed and forbidden, in every protocol and both families.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lab::traffic::{Action, Generator, Scenario, ServerProtocol, Step, TrafficError};
use lab::{Cluster, Namespace};

/// All of the traffic once: fast enough to see something, slow enough to read it.
const ROUND: Duration = Duration::from_secs(10);

/// A denied packet gets no answer; this is how long its sender waits.
const TIMEOUT: Duration = Duration::from_millis(250);

/// One kind of traffic that repeats.
#[derive(Debug, Clone, Copy)]
struct Talk {
    from: &'static str,
    to: &'static str,
    ipv6: bool,
    action: Action,
}

const V4: bool = false;
const V6: bool = true;
const HTTP: Action = tcp(8080);
const POSTGRES: Action = tcp(5432);
const STATSD: Action = udp(8125);
const DNS: Action = udp(53);

const fn tcp(port: u16) -> Action {
    Action::Tcp {
        port,
        requests: 2,
        request_bytes: 300,
    }
}

const fn udp(port: u16) -> Action {
    Action::Udp {
        port,
        payload_bytes: 48,
    }
}

const fn talk(from: &'static str, to: &'static str, ipv6: bool, action: Action) -> Talk {
    Talk {
        from,
        to,
        ipv6,
        action,
    }
}

/// In the order in which they begin; forbidden ones come early, so that the first drop is seen soon.
const TRAFFIC: [Talk; 14] = [
    talk("frontend-1", "backend-1", V4, HTTP),
    talk("frontend-2", "db", V6, POSTGRES),
    talk("backend-1", "db", V4, POSTGRES),
    talk("intruder", "db", V4, POSTGRES),
    talk("frontend-2", "backend-1", V4, Action::Ping),
    talk("intruder", "backend-1", V6, HTTP),
    talk("frontend-2", "backend-2", V6, HTTP),
    talk("batch", "db", V4, POSTGRES),
    talk("backend-2", "batch", V4, STATSD),
    talk("frontend-1", "backend-2", V4, DNS),
    talk("backend-2", "db", V6, POSTGRES),
    talk("intruder", "db", V6, Action::Ping),
    talk("frontend-1", "backend-2", V6, Action::Ping),
    talk("batch", "backend-1", V4, Action::Ping),
];

/// Starts servers wherever the traffic goes (behind a policy that forbids it, too: who changes the policy gets an
/// answer), and then the traffic.
pub(super) fn start(cluster: &Cluster) -> Result<Generator, TrafficError> {
    let steps: Vec<Step> = TRAFFIC
        .iter()
        .filter_map(|talk| step(cluster, talk))
        .collect();
    let servers: BTreeSet<(&str, u16, bool, IpAddr)> = TRAFFIC
        .iter()
        .zip(&steps)
        .filter_map(|(talk, step)| match talk.action {
            Action::Tcp { port, .. } => Some((talk.to, port, true, step.to)),
            Action::Udp { port, .. } => Some((talk.to, port, false, step.to)),
            Action::Ping => None,
        })
        .collect();
    let mut scenario = Scenario::new();
    for (name, port, is_tcp, ip) in servers {
        let protocol = if is_tcp {
            ServerProtocol::Tcp
        } else {
            ServerProtocol::Udp
        };
        if let Some(namespace) = namespace(cluster, name) {
            scenario = scenario.server(namespace, protocol, SocketAddr::new(ip, port));
        }
    }
    steps.into_iter().fold(scenario, Scenario::step).start()
}

fn step(cluster: &Cluster, talk: &Talk) -> Option<Step> {
    let to = endpoint(cluster, talk.to)?
        .addresses()
        .find(|address| address.is_ipv6() == talk.ipv6)?;
    Some(Step {
        name: format!("{} to {}", talk.from, talk.to),
        from: namespace(cluster, talk.from)?.clone(),
        to,
        action: talk.action,
        interval: ROUND,
        timeout: TIMEOUT,
    })
}

fn endpoint<'a>(cluster: &'a Cluster, name: &str) -> Option<&'a lab::Endpoint> {
    let namespace = format!("{}{name}", super::topology::NAMESPACE_PREFIX);
    cluster.nodes().find_map(|node| node.endpoint(&namespace))
}

fn namespace<'a>(cluster: &'a Cluster, name: &str) -> Option<&'a Namespace> {
    endpoint(cluster, name).map(lab::Endpoint::namespace)
}

#[cfg(test)]
mod tests {
    use policy::{
        Direction, Enforcement, Identity, LabelSet, NamedPorts, PolicyRepository, Verdict, protocol,
    };

    use registry::endpoint_file::EndpointFile;

    use super::super::manifests;
    use super::{Action, TRAFFIC, Talk};

    /// What the demo's policies say of it, by the evaluator that is their specification.
    fn verdict(talk: &Talk) -> Verdict {
        let files = manifests::endpoints().unwrap();
        let labels = |name: &str| -> LabelSet {
            let file_of = |file: &&EndpointFile| file.endpoints.iter().any(|one| one.name == name);
            let file = files.iter().find(file_of).unwrap();
            let endpoint = file.endpoints.iter().find(|one| one.name == name).unwrap();
            registry::endpoint_file::labels(endpoint, &file.namespaces)
        };
        let mut named_ports = NamedPorts::new();
        let endpoints = files.iter().flat_map(|file| &file.endpoints);
        for (number, endpoint) in (300..).zip(endpoints) {
            for (name, port) in &endpoint.ports {
                let labels = labels(&endpoint.name);
                named_ports.insert(Identity(number), &labels, name, *port);
            }
        }
        let mut policies = PolicyRepository::new();
        for (name, text) in manifests::POLICIES {
            policies.replace_file(name, text).unwrap();
        }
        let (protocol, port) = match talk.action {
            Action::Tcp { port, .. } => (protocol::TCP, port),
            Action::Udp { port, .. } => (protocol::UDP, port),
            Action::Ping if talk.ipv6 => (protocol::ICMPV6, 128),
            Action::Ping => (protocol::ICMP, 8),
        };
        let decide = |subject: &LabelSet, peer: &LabelSet, direction| {
            let peer = (Identity(300), peer);
            let model = policies.model(Enforcement::Default, &named_ports);
            policy::evaluate(&model, subject, peer, direction, protocol, port).verdict
        };
        let (from, to) = (labels(talk.from), labels(talk.to));
        let leaving = decide(&from, &to, Direction::Egress);
        assert_eq!(leaving, Verdict::Allowed, "{talk:?}");
        decide(&to, &from, Direction::Ingress)
    }

    #[test]
    fn what_each_talk_comes_to() {
        let all: Vec<(&str, &str, Verdict)> = TRAFFIC
            .iter()
            .map(|talk| (talk.from, talk.to, verdict(talk)))
            .collect();
        let expect = [
            ("frontend-1", "backend-1", Verdict::Allowed),
            ("frontend-2", "db", Verdict::DefaultDeny),
            ("backend-1", "db", Verdict::Allowed),
            ("intruder", "db", Verdict::DeniedByRule),
            ("frontend-2", "backend-1", Verdict::Allowed),
            ("intruder", "backend-1", Verdict::DefaultDeny),
            ("frontend-2", "backend-2", Verdict::Allowed),
            ("batch", "db", Verdict::DefaultDeny),
            ("backend-2", "batch", Verdict::Allowed),
            ("frontend-1", "backend-2", Verdict::DefaultDeny),
            ("backend-2", "db", Verdict::Allowed),
            ("intruder", "db", Verdict::DeniedByRule),
            ("frontend-1", "backend-2", Verdict::Allowed),
            ("batch", "backend-1", Verdict::DefaultDeny),
        ];
        assert_eq!(all, expect);
    }

    #[test]
    fn both_families_are_denied_and_allowed() {
        for ipv6 in [false, true] {
            for allowed in [false, true] {
                let found = TRAFFIC.iter().any(|talk| {
                    talk.ipv6 == ipv6 && (verdict(talk) == Verdict::Allowed) == allowed
                });
                assert!(found, "ipv6 {ipv6} allowed {allowed}");
            }
        }
    }
}
