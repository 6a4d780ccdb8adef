//! The nodes of the demo, by their letters.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use lab::InterfaceAddress;

/// The port of every observer.
const PORT: u16 = 4244;

/// A node of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DemoNode {
    A,
    B,
    C,
}

/// A text that names no node of the demo.
#[derive(Debug, thiserror::Error)]
#[error("the demo has the nodes a, b and c, and no `{0}`")]
pub(crate) struct NoSuchNode(String);

impl DemoNode {
    /// All, in the order in which the network has them.
    pub(super) const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    /// Its place in [`Self::ALL`].
    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// Its name. No real node is called so: pins and sockets of one are never touched.
    pub(super) fn name(self) -> String {
        format!("demo-node-{self}")
    }

    /// The name that flows and relays know it by.
    pub(super) fn qualified_name(self) -> String {
        format!("default/{}", self.name())
    }

    /// The namespace that is the node.
    pub(super) fn namespace(self) -> String {
        format!("tycho-demo-node-{self}")
    }

    /// Its addresses towards its endpoints, which lie in these subnets.
    pub(super) fn gateways(self) -> [InterfaceAddress; 2] {
        let number = self.index() + 1;
        addresses([
            format!("10.{number}.0.1/24"),
            format!("fd00:{number}::1/64"),
        ])
    }

    /// Its addresses towards the other nodes.
    pub(super) fn backbone_addresses(self) -> [InterfaceAddress; 2] {
        let number = self.index() + 1;
        addresses([format!("10.0.0.{number}/24"), format!("fd00::{number}/64")])
    }

    /// Where its observer serves others.
    pub(super) fn observer(self) -> SocketAddr {
        SocketAddr::new(self.backbone_addresses()[0].address(), PORT)
    }
}

/// The addresses of what belongs to no node: the relay, etcd.
pub(super) fn backbone_addresses() -> [InterfaceAddress; 2] {
    addresses(["10.0.0.254/24".to_owned(), "fd00::fe/64".to_owned()])
}

fn addresses(texts: [String; 2]) -> [InterfaceAddress; 2] {
    texts.map(|text| text.parse().expect("a test parses them all"))
}

impl fmt::Display for DemoNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
        })
    }
}

impl FromStr for DemoNode {
    type Err = NoSuchNode;

    /// `b`, or its whole name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        let named = all.find(|node| {
            text == node.to_string() || text == node.name() || text == node.qualified_name()
        });
        named.ok_or_else(|| NoSuchNode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{DemoNode, backbone_addresses};

    #[test]
    fn names_and_addresses() {
        assert_eq!(backbone_addresses()[1].to_string(), "fd00::fe/64");
        for (node, name, gateway, observer) in [
            (DemoNode::A, "demo-node-a", "10.1.0.1/24", "10.0.0.1:4244"),
            (DemoNode::C, "demo-node-c", "10.3.0.1/24", "10.0.0.3:4244"),
        ] {
            assert_eq!(node.name(), name);
            assert_eq!(node.gateways()[0].to_string(), gateway);
            assert_eq!(node.observer().to_string(), observer);
            for text in [
                &name["demo-node-".len()..],
                name,
                &format!("default/{name}"),
            ] {
                assert_eq!(text.parse::<DemoNode>().unwrap(), node);
            }
        }
        for text in ["", "d", "A", "node-a", "demo-node-"] {
            let error = text.parse::<DemoNode>().unwrap_err();
            assert!(error.to_string().ends_with(&format!("no `{text}`")));
        }
    }
}
