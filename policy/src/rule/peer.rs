//! The other side of a rule.

use crate::identity::{Entity, Identity};
use crate::label::LabelSet;
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

    /// Whether an identity is meant. The unknown identity belongs to nobody: only a rule for everybody matches it.
    pub fn contain(&self, identity: Identity, labels: &LabelSet) -> bool {
        match self {
            Self::Any => true,
            Self::Of(peers) => {
                identity != Identity::UNKNOWN
                    && peers.iter().any(|peer| peer.contains(identity, labels))
            }
        }
    }
}

impl Peer {
    /// Whether an identity is meant.
    pub fn contains(&self, identity: Identity, labels: &LabelSet) -> bool {
        match self {
            Self::Labels(selector) => selector.matches(labels),
            Self::AnyEndpoint => identity.is_allocated(),
            Self::Entity(entity) => entity.contains(identity, labels),
        }
    }
}
