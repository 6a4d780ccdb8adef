//! The other side of a rule.

use crate::cidr::Cidr;
use crate::identity::{Entity, Identity, OtherSide};
use crate::selector::Selector;

/// Whom a rule names on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peers {
    /// Everybody: no peer section, or the entity `all`.
    Any,
    /// Whoever matches one of these; nobody if there is none.
    Of(Vec<Peer>),
}

/// One way to name the other side.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Identities whose labels match.
    Labels(Selector),
    /// Any endpoint that has labels of its own: what `{}` means in a cluster-wide policy.
    AnyEndpoint,
    /// A named group.
    Entity(Entity),
    /// Addresses outside that nobody manages.
    Cidr(CidrPeer),
}

/// A network without parts of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CidrPeer {
    /// The network.
    pub cidr: Cidr,
    /// What of it is not meant; each lies within `cidr`.
    pub except: Vec<Cidr>,
}

impl Peers {
    /// Peers of a list; one that covers everybody absorbs the others.
    pub fn of(peers: Vec<Peer>) -> Self {
        if peers.contains(&Peer::Entity(Entity::All)) {
            Self::Any
        } else {
            Self::Of(peers)
        }
    }

    /// Whether the other side is meant. The unknown identity belongs to nobody: only a rule for everybody matches it.
    pub fn contain(&self, other: &OtherSide<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Of(peers) => {
                other.identity != Identity::UNKNOWN && peers.iter().any(|peer| peer.contains(other))
            }
        }
    }

    /// Every network that is named. What one of them contains and another does not needs an identity of its own.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = Cidr> {
        let peers = match self {
            Self::Any => &[],
            Self::Of(peers) => peers.as_slice(),
        };
        peers.iter().flat_map(|peer| {
            let (cidr, except): (Option<Cidr>, &[Cidr]) = match peer {
                Peer::Cidr(peer) => (Some(peer.cidr), &peer.except),
                Peer::Entity(Entity::WorldIpv4) => (Some(Cidr::ALL_IPV4), &[]),
                Peer::Entity(Entity::WorldIpv6) => (Some(Cidr::ALL_IPV6), &[]),
                Peer::Labels(_) | Peer::AnyEndpoint | Peer::Entity(_) => (None, &[]),
            };
            cidr.into_iter().chain(except.iter().copied())
        })
    }
}

impl Peer {
    /// Whether the other side is meant.
    pub fn contains(&self, other: &OtherSide<'_>) -> bool {
        match self {
            Self::Labels(selector) => selector.matches(other.labels),
            Self::AnyEndpoint => other.identity.is_allocated(),
            Self::Entity(entity) => entity.contains(other),
            Self::Cidr(peer) => other.prefix.is_some_and(|prefix| peer.contains(prefix)),
        }
    }
}

impl CidrPeer {
    /// Whether a network lies within this one and within none of its exceptions.
    pub fn contains(&self, prefix: Cidr) -> bool {
        self.cidr.contains_cidr(&prefix)
            && !self
                .except
                .iter()
                .any(|except| except.contains_cidr(&prefix))
    }
}
