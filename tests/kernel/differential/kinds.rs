//! Which kinds of rules decided, so that a test can prove that it saw each of them often enough.

use std::collections::BTreeMap;

use policy::{
    Action, Decision, Direction, Enforcement, Peer, Peers, PolicyModel, PortRange, Ports, Rule,
    Verdict,
};
use tests::frame::{ICMP, ICMPV6};

use super::packet::Packet;
use super::world::World;

/// Every kind that must decide in at least one of a hundred packets.
const KINDS: [&str; 50] = [
    "allow",
    "deny",
    "ingress",
    "egress",
    "allow ingress",
    "allow egress",
    "deny ingress",
    "deny egress",
    "allow anybody",
    "deny anybody",
    "allow labels",
    "deny labels",
    "allow any endpoint",
    "deny any endpoint",
    "allow entity",
    "deny entity",
    "allow CIDR",
    "deny CIDR",
    "allow CIDR with except",
    "deny CIDR with except",
    "allow any protocol",
    "deny any protocol",
    "allow protocol",
    "deny protocol",
    "allow port",
    "deny port",
    "allow range",
    "deny range",
    "allow named port",
    "deny named port",
    "allow ICMP type",
    "deny ICMP type",
    "allow of an audited policy",
    "deny of an audited policy",
    "allow of an enforcing policy",
    "deny of an enforcing policy",
    "without default deny",
    "with default deny",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "NetworkPolicy",
    "default deny",
    "audited default deny",
    "nothing enforces",
    "passes in an exception",
    "enforcement Default",
    "enforcement Always",
    "enforcement Never",
    "mode audit",
    "mode off",
];

/// How often each kind came.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    packets: usize,
    seen: BTreeMap<String, usize>,
}

impl Kinds {
    fn see(&mut self, kind: impl Into<String>) {
        *self.seen.entry(kind.into()).or_default() += 1;
    }

    /// Counts a packet: what decided it, and in which setting.
    pub(super) fn count(
        &mut self,
        world: &World,
        model: &PolicyModel<'_>,
        packet: &Packet,
        decided: Option<&Decision>,
        mode: u8,
    ) {
        self.packets += 1;
        self.see(format!("enforcement {:?}", model.enforcement));
        match mode {
            bpf_events::endpoint::MODE_AUDIT => self.see("mode audit"),
            bpf_events::endpoint::MODE_OFF => self.see("mode off"),
            _ => {}
        }
        let Some(decision) = decided else {
            return;
        };
        if is_in_exception(world, model, packet) {
            self.see("passes in an exception");
        }
        match decision.rule {
            Some(rule) => {
                let policy = model.rules.policy_of(rule).expect("a rule of this set");
                let rule = model.rules.rule(rule).expect("a rule of this set");
                let default_deny = policy.default_deny(packet.direction);
                self.see(if default_deny {
                    "with default deny"
                } else {
                    "without default deny"
                });
                self.count_rule(rule, packet, policy.audited);
            }
            None if model.enforcement == Enforcement::Never => {}
            None => self.see(match (decision.verdict, decision.audited) {
                (Verdict::DefaultDeny, false) => "default deny",
                (Verdict::DefaultDeny, true) => "audited default deny",
                _ => "nothing enforces",
            }),
        }
    }

    fn count_rule(&mut self, rule: &Rule, packet: &Packet, audited: bool) {
        let action = match rule.key.action {
            Action::Allow => "allow",
            Action::Deny => "deny",
        };
        let direction = match rule.key.direction {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        };
        let owner = if audited {
            "an audited"
        } else {
            "an enforcing"
        };
        self.see(action);
        self.see(direction);
        self.see(format!("{action} {direction}"));
        self.see(format!("{action} of {owner} policy"));
        self.see(rule.key.policy.kind.to_string());
        for sort in sorts_of_peers(rule) {
            self.see(format!("{action} {sort}"));
        }
        self.see(format!("{action} {}", sort_of_ports(rule, packet)));
    }

    /// Fails if a kind decided in less than one of a hundred packets.
    #[expect(
        clippy::print_stdout,
        reason = "how rare is rare is worth knowing before it fails"
    )]
    pub(super) fn check(&self) {
        let times = |kind: &str| self.seen.get(kind).copied().unwrap_or_default();
        let mut by_times = KINDS.map(|kind| (times(kind), kind));
        by_times.sort_unstable();
        println!(
            "of {} packets, the rarest: {:?}",
            self.packets,
            &by_times[..8]
        );
        let (least, _) = by_times[0];
        assert!(least >= self.packets / 100, "too rare: {by_times:?}");
    }
}

/// The sorts of the rule's peers, each once.
fn sorts_of_peers(rule: &Rule) -> Vec<&'static str> {
    let Peers::Of(peers) = &rule.peers else {
        return vec!["anybody"];
    };
    let mut sorts: Vec<&str> = peers
        .iter()
        .map(|peer| match peer {
            Peer::Labels(_) => "labels",
            Peer::AnyEndpoint => "any endpoint",
            Peer::Entity(_) => "entity",
            Peer::Cidr(peer) if peer.except.is_empty() => "CIDR",
            Peer::Cidr(_) => "CIDR with except",
        })
        .collect();
    sorts.sort_unstable();
    sorts.dedup();
    sorts
}

/// By which of its ports the rule matches.
fn sort_of_ports(rule: &Rule, packet: &Packet) -> &'static str {
    let Ports::Of(specs) = &rule.ports else {
        return "any protocol";
    };
    let has = |fits: &dyn Fn(&PortRange) -> bool| {
        specs
            .iter()
            .any(|spec| spec.protocol == packet.protocol && fits(&spec.ports))
    };
    let port = packet.port;
    if has(&|ports| *ports == PortRange::Any) {
        "protocol"
    } else if packet.protocol == ICMP || packet.protocol == ICMPV6 {
        "ICMP type"
    } else if has(&|ports| *ports == PortRange::one(port)) {
        "port"
    } else if has(
        &|ports| matches!(ports, PortRange::Span { first, last } if (*first..=*last).contains(&port)),
    ) {
        "range"
    } else {
        "named port"
    }
}

/// The other side lies in an exception of a rule for the subject, which so does not match.
fn is_in_exception(world: &World, model: &PolicyModel<'_>, packet: &Packet) -> bool {
    if world.who(packet.peer).is_some() {
        return false;
    }
    let subject = &world.locals[packet.subject].known.labels;
    model.rules.rules().any(|(_, rule)| {
        let Peers::Of(peers) = &rule.peers else {
            return false;
        };
        rule.key.direction == packet.direction
            && rule.subject.matches(subject)
            && peers.iter().any(|peer| {
                matches!(peer, Peer::Cidr(peer) if peer.cidr.contains(packet.peer)
                    && peer.except.iter().any(|except| except.contains(packet.peer)))
            })
    })
}
