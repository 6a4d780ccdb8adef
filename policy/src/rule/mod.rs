//! The policy model: policies, their rules, and the order in which rules decide.

mod peer;
mod port;
mod words;

use std::fmt;
use std::sync::Arc;

pub use peer::{CidrPeer, Peer, Peers};
pub use port::{L4Form, PortRange, PortSpec, Ports, protocol};
pub(crate) use words::protocol_name;

use crate::selector::Selector;

/// The kinds of policy, in the order in which they decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// `cilium.io/v2`, namespaced.
    CiliumNetworkPolicy,
    /// `cilium.io/v2`, for the whole cluster.
    CiliumClusterwideNetworkPolicy,
    /// `networking.k8s.io/v1`.
    NetworkPolicy,
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CiliumNetworkPolicy => "CiliumNetworkPolicy",
            Self::CiliumClusterwideNetworkPolicy => "CiliumClusterwideNetworkPolicy",
            Self::NetworkPolicy => "NetworkPolicy",
        })
    }
}

/// What names a policy. The namespace of a cluster-wide policy is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName {
    /// Its kind.
    pub kind: PolicyKind,
    /// Its namespace; empty if it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for PolicyName {
    /// `Kind/namespace/name`, or `Kind/name` without a namespace.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/", self.kind)?;
        if !self.namespace.is_empty() {
            write!(out, "{}/", self.namespace)?;
        }
        out.write_str(&self.name)
    }
}

/// The direction of a connection, seen from the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the subject.
    Ingress,
    /// From the subject.
    Egress,
}

impl fmt::Display for Direction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// What a rule does. Deny is the smaller: it decides first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Drop.
    Deny,
    /// Pass.
    Allow,
}

/// What names a rule, for as long as its policy has that entry. Its order is the order in which rules decide: deny
/// before allow, then kind, namespace, name, direction and index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleKey {
    /// Deny or allow.
    pub action: Action,
    /// The policy.
    pub policy: Arc<PolicyName>,
    /// The direction.
    pub direction: Direction,
    /// The position in its section (`ingress`, `ingressDeny`, `egress`, `egressDeny`), from 0.
    pub index: u32,
}

impl fmt::Display for RuleKey {
    /// For example `CiliumNetworkPolicy/shop/backend ingress[0]` or `… egressDeny[2]`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.action == Action::Deny {
            "Deny"
        } else {
            ""
        };
        write!(
            out,
            "{} {}{suffix}[{}]",
            self.policy, self.direction, self.index
        )
    }
}

/// One entry of one policy. Prints as its peers and ports in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name and place in the order.
    pub key: RuleKey,
    /// Which endpoints it is for.
    pub subject: Arc<Selector>,
    /// The other side.
    pub peers: Peers,
    /// Protocols and ports, or ICMP types.
    pub ports: Ports,
    /// Line of the entry in its file, from 1.
    pub line: u32,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: Arc<PolicyName>,
    /// Which endpoints it is for.
    pub subject: Arc<Selector>,
    /// Whether it drops ingress of its subjects that no rule allows.
    pub default_deny_ingress: bool,
    /// Whether it drops egress of its subjects that no rule allows.
    pub default_deny_egress: bool,
    /// Whether it only audits: it drops nothing, and what it would have dropped passes with a mark.
    pub audited: bool,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// Where it was read from.
    pub file: String,
    /// The line where it begins, from 1.
    pub line: u32,
    /// The text of its own document.
    pub text: Arc<str>,
}

impl Policy {
    /// Whether it drops what no rule allows in that direction.
    pub fn default_deny(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.default_deny_ingress,
            Direction::Egress => self.default_deny_egress,
        }
    }
}
