//! Extra sources: what an endpoint may send from besides its own addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use bpf_loader::LoaderError;
use bpf_loader::addresses::Addresses;

use crate::desired::DesiredEndpoint;

/// Endpoint number, network and prefix length of each entry. What an earlier process allowed stays until the first write.
#[derive(Debug)]
pub(super) struct WrittenSources {
    written: BTreeSet<(u16, IpAddr, u8)>,
}

impl WrittenSources {
    pub(super) fn adopt(addresses: &Addresses) -> Result<Self, LoaderError> {
        let sources = addresses.sources()?.into_iter();
        Ok(Self {
            written: sources
                .map(|(endpoint, (address, bits))| (endpoint, address, bits))
                .collect(),
        })
    }

    /// Allows what is new.
    pub(super) fn allow(
        &mut self,
        addresses: &mut Addresses,
        endpoints: &[DesiredEndpoint],
    ) -> Result<(), LoaderError> {
        for source in wanted(endpoints) {
            if !self.written.contains(&source) {
                let (endpoint, address, bits) = source;
                addresses.allow_source(endpoint, address, bits)?;
                self.written.insert(source);
            }
        }
        Ok(())
    }

    /// Takes back what is not wanted.
    pub(super) fn disallow_others(
        &mut self,
        addresses: &mut Addresses,
        endpoints: &[DesiredEndpoint],
    ) -> Result<(), LoaderError> {
        let gone: Vec<_> = self
            .written
            .difference(&wanted(endpoints))
            .copied()
            .collect();
        for source in gone {
            let (endpoint, address, bits) = source;
            addresses.disallow_source(endpoint, address, bits)?;
            self.written.remove(&source);
        }
        Ok(())
    }
}

fn wanted(endpoints: &[DesiredEndpoint]) -> BTreeSet<(u16, IpAddr, u8)> {
    let sources = endpoints.iter().flat_map(|endpoint| {
        let number = endpoint.row.endpoint;
        let sources = endpoint.sources.iter();
        sources.map(move |cidr| (number, cidr.address(), cidr.bits()))
    });
    sources.collect()
}
