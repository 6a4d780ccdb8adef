//! Whose an address of another node is, when several claim it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bpf_events::ipcache::{ADDRESS_MANAGED, AddressInfo};
use policy::Identity;
use registry::cluster::{EndpointKey, NodeEntry};

use super::remotes::Known;

/// What the address of another node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RemoteAddress {
    /// Its identity.
    pub(crate) identity: Identity,
    /// What flows say of it.
    pub(crate) metadata: u32,
    /// Whether its node enforces policy at its interface.
    pub(crate) managed: bool,
}

impl RemoteAddress {
    /// As the IP cache says it: an endpoint of another node has no number here.
    pub(crate) fn info(&self) -> AddressInfo {
        AddressInfo {
            identity: self.identity.0,
            metadata: self.metadata,
            endpoint: 0,
            flags: if self.managed { ADDRESS_MANAGED } else { 0 },
        }
    }
}

/// Addresses of other nodes; never one that an endpoint of this node has.
pub(crate) type RemoteAddresses = BTreeMap<IpAddr, RemoteAddress>;

/// Another node itself.
const NODE: RemoteAddress = RemoteAddress {
    identity: Identity::REMOTE_NODE,
    // The metadata of reserved identities has their numbers.
    metadata: Identity::REMOTE_NODE.0,
    managed: false,
};

/// Addresses of other nodes that are used: three quarters of what each map of addresses holds, so that this node's own
/// find room whatever other nodes have.
const MOST: usize = 196_608;

/// Gives each address to one of those who claim it, and says where there were several. This node's own endpoints go
/// first; of other nodes' endpoints the one that is as it is for the shortest time, so that a workload that moved is
/// where it came to; then the nodes themselves.
pub(super) fn resolve<'a>(
    local: &HashMap<IpAddr, String>,
    known: &'a BTreeMap<EndpointKey, Known>,
    nodes: impl Iterator<Item = &'a Arc<NodeEntry>>,
) -> (RemoteAddresses, Vec<String>) {
    let mut addresses = RemoteAddresses::new();
    let mut owners: BTreeMap<IpAddr, &EndpointKey> = BTreeMap::new();
    let mut conflicts = Vec::new();
    let mut all: Vec<(&EndpointKey, &Known)> = known.iter().collect();
    // By key where the times are alike, so that every node comes to the same answer.
    all.sort_by_key(|(_, known)| std::cmp::Reverse(known.entry.since_ns));
    for (key, known) in all {
        let address = RemoteAddress {
            identity: known.entry.identity,
            metadata: known.metadata,
            managed: known.entry.managed,
        };
        for ip in known.entry.ips.iter().copied().filter(is_usable) {
            if let Some(own) = local.get(&ip) {
                conflicts.push(format!(
                    "address {ip} is claimed by endpoint {} of {} too: {own} of this node has it",
                    key.name, key.node
                ));
                continue;
            }
            match owners.entry(ip) {
                Entry::Vacant(free) => {
                    free.insert(key);
                    addresses.insert(ip, address);
                }
                Entry::Occupied(taken) => {
                    let owner = taken.get();
                    conflicts.push(format!(
                        "address {ip} is claimed by endpoint {} of {} and by {} of {}: the latter has it, which is newer",
                        key.name, key.node, owner.name, owner.node
                    ));
                }
            }
        }
    }
    for ip in nodes.flat_map(|node| node.ips.iter().copied().filter(is_usable)) {
        if !local.contains_key(&ip) {
            addresses.entry(ip).or_insert(NODE);
        }
    }
    if addresses.len() > MOST {
        let over = addresses.len() - MOST;
        conflicts.push(format!(
            "{over} addresses of other nodes are not known here: at most {MOST} are, and there are more"
        ));
        if let Some(first) = addresses.keys().nth(MOST).copied() {
            addresses.split_off(&first);
        }
    }
    (addresses, conflicts)
}

/// Whether an address means the same thing on two nodes.
pub(crate) fn is_usable(address: &IpAddr) -> bool {
    let everywhere = match address {
        IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_broadcast(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    };
    everywhere && !address.is_loopback() && !address.is_unspecified() && !address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_link_or_of_nobody_are_not_usable() {
        for (text, expect) in [
            ("10.0.0.1", true),
            ("fd00::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("0.0.0.0", false),
            ("169.254.1.1", false),
            ("fe80::1", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(is_usable(&text.parse().unwrap()), expect, "{text}");
        }
    }
}
