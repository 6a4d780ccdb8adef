//! A peer as some source names it.

use std::fmt;

use daemon::connect::{Address, Scheme};

use crate::config::NamedAddress;

/// Who told of a peer. Earlier ones go first if two tell of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The file of peers.
    File,
    /// The registry.
    Registry,
    /// A `peer.Peer` service.
    PeerService,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::File => "file",
            Self::Registry => "registry",
            Self::PeerService => "peer service",
        })
    }
}

/// Where a peer is, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerSpec {
    /// `cluster/node`; its address if nobody has said its name.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// The name its certificate must have, if that is not the host of the address.
    pub server_name: Option<String>,
    /// Whether it is spoken to by TLS.
    pub tls: bool,
    /// Who told of it.
    pub origin: Origin,
}

impl PeerSpec {
    /// A peer that a user has named.
    #[must_use]
    pub fn named(peer: &NamedAddress, origin: Origin) -> Self {
        let name = peer.name.as_ref().map(|name| qualified(name));
        Self {
            server_name: name.as_deref().and_then(certificate_name),
            name: name.unwrap_or_else(|| peer.address.to_string()),
            address: peer.address.clone(),
            tls: peer.address.scheme == Scheme::Tls,
            origin,
        }
    }

    /// A peer that a service has told of: by TLS if there is a name for its certificate.
    #[must_use]
    pub fn told(name: &str, address: Address, server_name: Option<String>, origin: Origin) -> Self {
        Self {
            name: qualified(name),
            tls: server_name.is_some() || address.scheme == Scheme::Tls,
            server_name: server_name.filter(|name| !name.is_empty()),
            address,
            origin,
        }
    }
}

/// The name on the certificate of `cluster/node`.
fn certificate_name(name: &str) -> Option<String> {
    let (cluster, node) = name.split_once('/')?;
    Some(format!("{node}.{cluster}.tycho"))
}

/// A name with its cluster; without one, it is of the cluster `default`.
#[must_use]
pub fn qualified(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("default/{name}")
    }
}
