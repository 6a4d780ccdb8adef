//! The other side of a connection, as rules look at it.

use std::fmt;

use super::Identity;
use crate::cidr::Cidr;
use crate::label::{LabelSet, SOURCE_CIDR};

/// An identity, its labels, and the network that it stands for, if it stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherSide<'a> {
    /// The identity.
    pub identity: Identity,
    /// Its labels.
    pub labels: &'a LabelSet,
    /// The network: of `world-ipv4` and `world-ipv6` their whole family, of a node-local identity the one in its label.
    pub prefix: Option<Cidr>,
}

impl<'a> OtherSide<'a> {
    /// The other side that has this identity with these labels.
    pub fn new(identity: Identity, labels: &'a LabelSet) -> Self {
        Self {
            identity,
            labels,
            prefix: prefix(identity, labels),
        }
    }

    /// Whether it has a reserved identity, or carries its label: an endpoint with `reserved:kube-apiserver` is the API
    /// server whatever its number.
    pub(super) fn is(&self, reserved: Identity) -> bool {
        self.identity == reserved
            || reserved
                .name()
                .is_some_and(|name| self.labels.has_reserved(name))
    }
}

impl fmt::Display for OtherSide<'_> {
    /// Its labels, or its identity if it has none.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.labels.is_empty() {
            write!(out, "identity {}", self.identity)
        } else {
            self.labels.fmt(out)
        }
    }
}

fn prefix(identity: Identity, labels: &LabelSet) -> Option<Cidr> {
    match identity {
        Identity::WORLD_IPV4 => Some(Cidr::ALL_IPV4),
        Identity::WORLD_IPV6 => Some(Cidr::ALL_IPV6),
        _ if identity.is_node_local() => {
            let label = labels.iter().find(|label| label.source == SOURCE_CIDR)?;
            Cidr::from_label_key(&label.key)
        }
        _ => None,
    }
}
