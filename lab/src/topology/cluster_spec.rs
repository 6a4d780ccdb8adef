//! What a cluster of nodes shall be like, and whether that can be built.

use super::cluster::Cluster;
use super::node::TopologyError;
use super::spec::NodeBuilder;
use super::spec_error::SpecError;
use crate::address::InterfaceAddress;

/// Describes several nodes and the backbone between them, then builds them.
#[derive(Debug, Clone)]
pub struct ClusterBuilder {
    pub(super) backbone: String,
    /// Of the backbone's own bridge.
    pub(super) addresses: Vec<InterfaceAddress>,
    pub(super) members: Vec<MemberSpec>,
}

/// A node and where the others reach it.
#[derive(Debug, Clone)]
pub(super) struct MemberSpec {
    pub(super) node: NodeBuilder,
    pub(super) addresses: Vec<InterfaceAddress>,
}

impl MemberSpec {
    pub(super) fn namespace(&self) -> &str {
        &self.node.settings.namespace
    }

    /// The subnets of its endpoints.
    pub(super) fn subnets(&self) -> impl Iterator<Item = InterfaceAddress> {
        self.node.settings.gateways.iter().copied()
    }
}

impl ClusterBuilder {
    /// A cluster without nodes yet; its backbone is a namespace of this name.
    pub fn new(backbone: &str) -> Self {
        Self {
            backbone: backbone.to_owned(),
            addresses: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Gives the backbone's namespace an address, for what belongs to no node: a relay, a database.
    #[must_use]
    pub fn address(mut self, address: InterfaceAddress) -> Self {
        self.addresses.push(address);
        self
    }

    /// Adds a node with its addresses on the backbone. Nodes are counted from 0 in this order.
    #[must_use]
    pub fn node(
        mut self,
        node: NodeBuilder,
        addresses: impl IntoIterator<Item = InterfaceAddress>,
    ) -> Self {
        self.members.push(MemberSpec {
            node,
            addresses: addresses.into_iter().collect(),
        });
        self
    }

    /// Checks the description as a whole, without touching the system.
    ///
    /// # Errors
    /// The first thing about it that cannot be built.
    pub fn check(&self) -> Result<(), SpecError> {
        for member in &self.members {
            member.node.check()?;
        }
        self.check_namespaces()?;
        self.check_backbone()?;
        self.check_subnets()
    }

    fn check_namespaces(&self) -> Result<(), SpecError> {
        let mut seen = vec![self.backbone.as_str()];
        for member in &self.members {
            let endpoints = member.node.endpoints.iter();
            let names = endpoints.map(|endpoint| endpoint.namespace.as_str());
            for namespace in names.chain([member.namespace()]) {
                if seen.contains(&namespace) {
                    return Err(SpecError::SharedNamespace {
                        namespace: namespace.to_owned(),
                    });
                }
                seen.push(namespace);
            }
        }
        Ok(())
    }

    fn check_backbone(&self) -> Result<(), SpecError> {
        let mut seen: Vec<InterfaceAddress> = Vec::new();
        for address in self.backbone_addresses() {
            for earlier in &seen {
                if earlier.address() == address.address() {
                    return Err(SpecError::SharedBackboneAddress {
                        address: address.address(),
                    });
                }
                let same_family = earlier.address().is_ipv4() == address.address().is_ipv4();
                if same_family && earlier.network() != address.network() {
                    return Err(SpecError::BackboneSubnets {
                        first: *earlier,
                        second: address,
                    });
                }
            }
            seen.push(address);
        }
        let lonely = |member: &&MemberSpec| member.addresses.is_empty();
        match self.members.iter().find(lonely) {
            Some(member) => Err(SpecError::NoBackboneAddress {
                node: member.namespace().to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Each node's subnets lie apart from those of the others and from the backbone's.
    fn check_subnets(&self) -> Result<(), SpecError> {
        let mut taken: Vec<InterfaceAddress> = self.backbone_addresses().collect();
        for member in &self.members {
            for subnet in member.subnets() {
                if let Some(first) = taken.iter().find(|other| other.overlaps(&subnet)) {
                    return Err(SpecError::OverlappingSubnets {
                        first: *first,
                        second: subnet,
                    });
                }
            }
            taken.extend(member.subnets());
        }
        Ok(())
    }

    fn backbone_addresses(&self) -> impl Iterator<Item = InterfaceAddress> {
        let members = self.members.iter();
        let nodes = members.flat_map(|member| member.addresses.iter().copied());
        self.addresses.iter().copied().chain(nodes)
    }

    /// Makes the nodes and joins them. When a part of it fails, what was made is removed again.
    ///
    /// # Errors
    /// The description is wrong, a namespace exists already, or a command failed.
    pub fn build(self) -> Result<Cluster, TopologyError> {
        self.check()?;
        Cluster::build(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::NodeBuilder;
    use super::ClusterBuilder;

    /// `namespace gateways | backbone addresses`, as short as a case can be written.
    fn cluster(members: &[&str]) -> ClusterBuilder {
        let addresses = |text: &str| -> Vec<_> {
            let words = text.split_whitespace();
            words.map(|word| word.parse().unwrap()).collect()
        };
        let backbone =
            ClusterBuilder::new("lab-backbone").address("10.9.0.254/24".parse().unwrap());
        members.iter().fold(backbone, |cluster, text| {
            let (node, on_backbone) = text.split_once('|').unwrap();
            let (namespace, gateways) = node.trim().split_once(' ').unwrap();
            let node = addresses(gateways)
                .into_iter()
                .fold(NodeBuilder::new(namespace), NodeBuilder::gateway);
            cluster.node(node, addresses(on_backbone))
        })
    }

    #[test]
    fn which_nodes_can_be_joined() {
        let cases: [(&[&str], &str); 9] = [
            (&[], "fine"),
            (
                &[
                    "a 10.1.0.1/24 fd01::1/64 | 10.9.0.1/24 fd09::1/64",
                    "b 10.2.0.1/24 fd02::1/64 | 10.9.0.2/24 fd09::2/64",
                ],
                "fine",
            ),
            (
                &["a 10.1.0.1/24 | 10.9.0.1/24", "a 10.2.0.1/24 | 10.9.0.2/24"],
                "namespace a is used twice",
            ),
            (
                &["lab-backbone 10.1.0.1/24 | 10.9.0.1/24"],
                "namespace lab-backbone is used twice",
            ),
            (&["a 10.1.0.1/24 |"], "node a has no address"),
            (
                &["a 10.1.0.1/24 | 10.9.0.254/24"],
                "10.9.0.254 is used twice on the backbone",
            ),
            (
                &["a 10.1.0.1/24 | 10.8.0.1/24"],
                "10.9.0.254/24 and 10.8.0.1/24 are not in one subnet",
            ),
            (
                &["a 10.1.0.1/24 | 10.9.0.1/24", "b 10.1.0.9/28 | 10.9.0.2/24"],
                "the subnets of 10.1.0.1/24 and 10.1.0.9/28 overlap",
            ),
            (
                &["a 10.9.0.77/32 | 10.9.0.1/24"],
                "the subnets of 10.9.0.254/24 and 10.9.0.77/32 overlap",
            ),
        ];
        for (members, expected) in cases {
            let shown = cluster(members)
                .check()
                .map_or_else(|error| error.to_string(), |()| "fine".to_owned());
            assert!(
                shown.contains(expected),
                "expected `{expected}`, not `{shown}`: {members:?}"
            );
        }
    }
}
