//! The IP cache: endpoints' addresses and the node's own.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use bpf_events::ipcache::{ADDRESS_LOCAL_HOST, ADDRESS_MANAGED, AddressInfo};
use bpf_loader::LoaderError;
use bpf_loader::addresses::Addresses;
use policy::Identity;

use crate::desired::DesiredEndpoint;

/// What every address should resolve to.
pub(super) fn wanted(
    endpoints: &[DesiredEndpoint],
    node: &BTreeSet<IpAddr>,
    managed: impl Fn(&DesiredEndpoint) -> bool,
) -> HashMap<IpAddr, AddressInfo> {
    let host = AddressInfo {
        identity: Identity::HOST.0,
        metadata: Identity::HOST.0,
        endpoint: 0,
        flags: ADDRESS_LOCAL_HOST,
    };
    let mut wanted: HashMap<IpAddr, AddressInfo> =
        node.iter().map(|address| (*address, host)).collect();
    for endpoint in endpoints {
        let info = AddressInfo {
            identity: endpoint.row.identity,
            metadata: endpoint.row.metadata,
            endpoint: endpoint.row.endpoint,
            flags: if managed(endpoint) {
                ADDRESS_MANAGED
            } else {
                0
            },
        };
        wanted.extend(endpoint.addresses.iter().map(|address| (*address, info)));
    }
    wanted
}

/// What stands in the IP cache.
#[derive(Debug)]
pub(super) struct WrittenAddresses {
    written: HashMap<IpAddr, AddressInfo>,
}

impl WrittenAddresses {
    pub(super) fn adopt(addresses: &Addresses) -> Result<Self, LoaderError> {
        Ok(Self {
            written: addresses.all()?.into_iter().collect(),
        })
    }

    /// Writes what is new or different; whether there was anything.
    pub(super) fn set(
        &mut self,
        addresses: &mut Addresses,
        wanted: &HashMap<IpAddr, AddressInfo>,
    ) -> Result<bool, LoaderError> {
        let mut changed = false;
        for (address, info) in wanted {
            if self.written.get(address) != Some(info) {
                addresses.set(*address, *info)?;
                self.written.insert(*address, *info);
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Removes what is not wanted; whether there was anything.
    pub(super) fn remove_others(
        &mut self,
        addresses: &mut Addresses,
        wanted: &HashMap<IpAddr, AddressInfo>,
    ) -> Result<bool, LoaderError> {
        let gone: Vec<IpAddr> = self
            .written
            .keys()
            .filter(|address| !wanted.contains_key(*address))
            .copied()
            .collect();
        for address in &gone {
            addresses.remove(*address)?;
            self.written.remove(address);
        }
        Ok(!gone.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bpf_events::endpoint::EndpointRow;
    use registry::endpoint_file::Attachment;

    #[test]
    fn an_endpoint_owns_its_addresses_even_against_the_node() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let endpoint = |name: &str, address: &str| DesiredEndpoint {
            name: name.to_owned(),
            attachment: Attachment::Netns(name.to_owned()),
            addresses: vec![ip(address)],
            row: EndpointRow {
                identity: 300,
                metadata: 20,
                endpoint: 4,
                ..EndpointRow::default()
            },
            sources: Vec::new(),
        };
        let node = BTreeSet::from([ip("10.0.0.254"), ip("fd00::1")]);
        let endpoints = [endpoint("a", "10.0.0.1"), endpoint("b", "fd00::1")];
        let wanted = wanted(&endpoints, &node, |endpoint| endpoint.name == "a");
        for (address, identity, flags) in [
            ("10.0.0.254", 1, ADDRESS_LOCAL_HOST),
            ("10.0.0.1", 300, ADDRESS_MANAGED),
            ("fd00::1", 300, 0),
        ] {
            let info = wanted[&ip(address)];
            assert_eq!((info.identity, info.flags), (identity, flags), "{address}");
        }
    }
}
