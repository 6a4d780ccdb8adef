//! Identities: the numbers of label sets.

mod entity;
mod other_side;
mod table;

use std::fmt;

pub use entity::{Entity, UnknownEntity};
pub use other_side::OtherSide;
pub use table::{Identities, IdentityError};

use crate::cidr::Cidr;
use crate::label::{Label, LabelSet, SOURCE_CIDR, SOURCE_RESERVED};

/// The number of a label set. Reserved numbers lie below 256, cluster-wide ones in `256..=65535`, node-local ones (CIDR)
/// have bit 24 set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub u32);

/// Names of the reserved identities, by number.
const RESERVED_NAMES: [&str; 11] = [
    "unknown",
    "host",
    "world",
    "unmanaged",
    "health",
    "init",
    "remote-node",
    "kube-apiserver",
    "ingress",
    "world-ipv4",
    "world-ipv6",
];

impl Identity {
    /// Not determined.
    pub const UNKNOWN: Self = Self(0);
    /// The node itself.
    pub const HOST: Self = Self(1);
    /// Any address outside that nothing else names.
    pub const WORLD: Self = Self(2);
    /// An endpoint of the cluster that nobody manages.
    pub const UNMANAGED: Self = Self(3);
    /// A health check endpoint.
    pub const HEALTH: Self = Self(4);
    /// An endpoint whose labels are not known yet.
    pub const INIT: Self = Self(5);
    /// Another node.
    pub const REMOTE_NODE: Self = Self(6);
    /// The Kubernetes API server.
    pub const KUBE_APISERVER: Self = Self(7);
    /// The ingress proxy.
    pub const INGRESS: Self = Self(8);
    /// IPv4 addresses outside.
    pub const WORLD_IPV4: Self = Self(9);
    /// IPv6 addresses outside.
    pub const WORLD_IPV6: Self = Self(10);
    /// Lowest number given to a label set.
    pub const FIRST_ALLOCATED: Self = Self(256);
    /// Highest number given to a label set.
    pub const LAST_ALLOCATED: Self = Self(65_535);
    /// Set in numbers that mean something on one node only: those of networks.
    pub const NODE_LOCAL_BIT: u32 = 1 << 24;

    /// The reserved identities in order of their number.
    pub fn reserved() -> impl Iterator<Item = Self> {
        (0u32..).take(RESERVED_NAMES.len()).map(Self)
    }

    /// The name of a reserved identity.
    pub fn name(self) -> Option<&'static str> {
        RESERVED_NAMES.get(usize::try_from(self.0).ok()?).copied()
    }

    /// The reserved identity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::reserved().find(|identity| identity.name() == Some(name))
    }

    /// The labels of a reserved identity: `reserved:` and its name. The API server is also a remote node, as in Cilium.
    /// Both parts of the world are also the world: an address outside has one of the three identities according to what
    /// other policies name, and a selector must not see the difference.
    pub fn reserved_labels(self) -> Option<LabelSet> {
        let also = match self {
            Self::KUBE_APISERVER => Self::REMOTE_NODE.name(),
            Self::WORLD_IPV4 | Self::WORLD_IPV6 => Self::WORLD.name(),
            _ => None,
        };
        let names = [self.name()?].into_iter().chain(also);
        Some(
            names
                .map(|name| Label::new(SOURCE_RESERVED, name, ""))
                .collect(),
        )
    }

    /// The reserved identity that stands for every address of a family; `None` for any smaller network.
    pub fn of_family(prefix: Cidr) -> Option<Self> {
        match prefix {
            Cidr::ALL_IPV4 => Some(Self::WORLD_IPV4),
            Cidr::ALL_IPV6 => Some(Self::WORLD_IPV6),
            _ => None,
        }
    }

    /// The labels of the identity that stands for a network: `cidr:` and the network, and `reserved:world`.
    pub fn prefix_labels(prefix: Cidr) -> LabelSet {
        match Self::of_family(prefix).and_then(Self::reserved_labels) {
            Some(labels) => labels,
            None => [
                Label::new(SOURCE_CIDR, prefix.label_key(), ""),
                Label::new(SOURCE_RESERVED, RESERVED_NAMES[2], ""),
            ]
            .into_iter()
            .collect(),
        }
    }

    /// Whether the number was given to a label set, and means the same on every node.
    pub fn is_allocated(self) -> bool {
        (Self::FIRST_ALLOCATED..=Self::LAST_ALLOCATED).contains(&self)
    }

    /// Whether the number means something on one node only.
    pub fn is_node_local(self) -> bool {
        self.0 & Self::NODE_LOCAL_BIT != 0
    }
}

impl fmt::Display for Identity {
    /// The name if reserved, else the number.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => out.write_str(name),
            None => write!(out, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn reserved_names_and_labels() {
        let check = |number: u32, name: &str, labels: &str| {
            let identity = Identity(number);
            assert_eq!(identity.name(), Some(name));
            assert_eq!(identity.to_string(), name);
            assert_eq!(Identity::from_name(name), Some(identity));
            assert_eq!(identity.reserved_labels().unwrap().to_string(), labels);
        };
        check(0, "unknown", "reserved:unknown");
        check(1, "host", "reserved:host");
        check(2, "world", "reserved:world");
        check(
            7,
            "kube-apiserver",
            "reserved:kube-apiserver,reserved:remote-node",
        );
        check(10, "world-ipv6", "reserved:world,reserved:world-ipv6");
        assert_eq!(Identity(11).name(), None);
        assert_eq!(Identity(256).to_string(), "256");
        assert!(
            Identity(256).is_allocated()
                && !Identity(255).is_allocated()
                && !Identity(65_536).is_allocated()
        );
        assert!(Identity(1 << 24 | 1).is_node_local());
    }

    #[test]
    fn labels_of_networks() {
        let check = |prefix: &str, expect: &str| {
            let labels = Identity::prefix_labels(prefix.parse().unwrap());
            assert_eq!(labels.to_string(), expect);
        };
        check("10.0.0.0/8", "cidr:10.0.0.0/8,reserved:world");
        check("fd00::/8", "cidr:fd00--0/8,reserved:world");
        check("0.0.0.0/0", "reserved:world,reserved:world-ipv4");
        check("::/0", "reserved:world,reserved:world-ipv6");
    }
}
