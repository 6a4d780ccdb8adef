//! Entities: peers that are named rather than selected by label.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::{Identity, OtherSide};

/// A named group of identities (`fromEntities`, `toEntities`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// Everybody.
    All,
    /// Everything outside the cluster.
    World,
    /// The IPv4 part of the world.
    WorldIpv4,
    /// The IPv6 part of the world.
    WorldIpv6,
    /// Every endpoint of the cluster, managed or not, and its nodes.
    Cluster,
    /// The node itself.
    Host,
    /// Other nodes.
    RemoteNode,
    /// Endpoints whose labels are not known yet.
    Init,
    /// Endpoints of the cluster that nobody manages.
    Unmanaged,
    /// Health check endpoints.
    Health,
    /// The ingress proxy.
    Ingress,
    /// The Kubernetes API server.
    KubeApiserver,
    /// Nobody.
    None,
}

const NAMES: [(Entity, &str); 13] = [
    (Entity::All, "all"),
    (Entity::World, "world"),
    (Entity::WorldIpv4, "world-ipv4"),
    (Entity::WorldIpv6, "world-ipv6"),
    (Entity::Cluster, "cluster"),
    (Entity::Host, "host"),
    (Entity::RemoteNode, "remote-node"),
    (Entity::Init, "init"),
    (Entity::Unmanaged, "unmanaged"),
    (Entity::Health, "health"),
    (Entity::Ingress, "ingress"),
    (Entity::KubeApiserver, "kube-apiserver"),
    (Entity::None, "none"),
];

/// A name that no entity has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no entity {name:?}; there are {}", NAMES.map(|(_, name)| name).join(", "))]
pub struct UnknownEntity {
    /// The name as given.
    pub name: String,
}

impl Entity {
    /// The name in a policy.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(entity, _)| *entity == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether the other side belongs to it.
    pub fn contains(self, other: &OtherSide<'_>) -> bool {
        let is = |reserved| other.is(reserved);
        let family = |of_ipv6| {
            other
                .prefix
                .is_some_and(|prefix| prefix.is_ipv6() == of_ipv6)
        };
        match self {
            Self::All => true,
            Self::None => false,
            Self::World => {
                is(Identity::WORLD)
                    || is(Identity::WORLD_IPV4)
                    || is(Identity::WORLD_IPV6)
                    || other.identity.is_node_local()
            }
            Self::WorldIpv4 => is(Identity::WORLD_IPV4) || family(false),
            Self::WorldIpv6 => is(Identity::WORLD_IPV6) || family(true),
            Self::Cluster => other.identity.is_allocated() || CLUSTER_RESERVED.into_iter().any(is),
            Self::Host => is(Identity::HOST),
            Self::RemoteNode => is(Identity::REMOTE_NODE),
            Self::Init => is(Identity::INIT),
            Self::Unmanaged => is(Identity::UNMANAGED),
            Self::Health => is(Identity::HEALTH),
            Self::Ingress => is(Identity::INGRESS),
            Self::KubeApiserver => is(Identity::KUBE_APISERVER),
        }
    }
}

const CLUSTER_RESERVED: [Identity; 7] = [
    Identity::HOST,
    Identity::REMOTE_NODE,
    Identity::INIT,
    Identity::UNMANAGED,
    Identity::HEALTH,
    Identity::INGRESS,
    Identity::KUBE_APISERVER,
];

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(name: &str) -> Result<Self, UnknownEntity> {
        let found = NAMES.iter().find(|(_, candidate)| *candidate == name);
        found
            .map(|(entity, _)| *entity)
            .ok_or_else(|| UnknownEntity {
                name: name.to_owned(),
            })
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{Entity, NAMES};
    use crate::identity::{Identity, OtherSide};
    use crate::label::LabelSet;

    const CIDR_IPV4: u32 = 1 << 24 | 5;
    const CIDR_IPV6: u32 = 1 << 24 | 6;

    fn labels(number: u32) -> LabelSet {
        match number {
            CIDR_IPV4 => Identity::prefix_labels("192.0.2.0/24".parse().unwrap()),
            CIDR_IPV6 => Identity::prefix_labels("fd00::/8".parse().unwrap()),
            _ => Identity(number).reserved_labels().unwrap_or_default(),
        }
    }

    #[test]
    fn members() {
        let check = |name: &str, expect: &[u32]| {
            let entity: Entity = name.parse().unwrap();
            let members: Vec<u32> = (0..=10)
                .chain([300, CIDR_IPV4, CIDR_IPV6])
                .filter(|&number| {
                    let labels = labels(number);
                    entity.contains(&OtherSide::new(Identity(number), &labels))
                })
                .collect();
            assert_eq!(members, expect, "{name}");
        };
        check(
            "all",
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 300, CIDR_IPV4, CIDR_IPV6],
        );
        check("none", &[]);
        check("world", &[2, 9, 10, CIDR_IPV4, CIDR_IPV6]);
        check("world-ipv4", &[9, CIDR_IPV4]);
        check("world-ipv6", &[10, CIDR_IPV6]);
        check("cluster", &[1, 3, 4, 5, 6, 7, 8, 300]);
        check("host", &[1]);
        check("remote-node", &[6, 7]);
        check("kube-apiserver", &[7]);
        check("init", &[5]);
        let labels = LabelSet::parse(["reserved:kube-apiserver", "reserved:host"]).unwrap();
        assert!(Entity::KubeApiserver.contains(&OtherSide::new(Identity::HOST, &labels)));
    }

    #[test]
    fn names_go_both_ways() {
        for (entity, name) in NAMES {
            assert_eq!(name.parse::<Entity>().unwrap(), entity);
            assert_eq!(entity.to_string(), name);
        }
        assert!(
            "World"
                .parse::<Entity>()
                .unwrap_err()
                .to_string()
                .starts_with("there is no entity \"World\"; there are all, ")
        );
    }
}
