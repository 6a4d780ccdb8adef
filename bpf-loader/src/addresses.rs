//! The IP cache: what addresses and prefixes resolve to, and which extra sources an endpoint may use.

use std::net::{IpAddr, Ipv4Addr};

use aya::Ebpf;
use bpf_events::ipcache::{AddressInfo, SpoofingKey};

use crate::error::LoaderError;
use crate::hash::{Hash, Trie};

/// Owner of the `IPCACHE*` maps and `SPOOFING_CIDRS`.
#[derive(Debug)]
pub struct Addresses {
    exact4: Hash<[u8; 4], AddressInfo>,
    exact6: Hash<[u8; 16], AddressInfo>,
    prefix4: Trie<[u8; 4], AddressInfo>,
    prefix6: Trie<[u8; 16], AddressInfo>,
    spoofing: Trie<SpoofingKey, u32>,
}

impl Addresses {
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        Ok(Self {
            exact4: Hash::take(ebpf, "IPCACHE4")?,
            exact6: Hash::take(ebpf, "IPCACHE6")?,
            prefix4: Trie::take(ebpf, "IPCACHE4_CIDR")?,
            prefix6: Trie::take(ebpf, "IPCACHE6_CIDR")?,
            spoofing: Trie::take(ebpf, "SPOOFING_CIDRS")?,
        })
    }

    /// Sets what one address resolves to.
    pub fn set(&mut self, address: IpAddr, info: AddressInfo) -> Result<(), LoaderError> {
        match address {
            IpAddr::V4(address) => self.exact4.insert(address.octets(), info),
            IpAddr::V6(address) => self.exact6.insert(address.octets(), info),
        }
    }

    /// Forgets an address: it is `world` again, or what a prefix says.
    pub fn remove(&mut self, address: IpAddr) -> Result<(), LoaderError> {
        match address {
            IpAddr::V4(address) => self.exact4.remove(address.octets()),
            IpAddr::V6(address) => self.exact6.remove(address.octets()),
        }
    }

    /// Sets what a prefix resolves to.
    pub fn set_prefix(
        &mut self,
        address: IpAddr,
        bits: u8,
        info: AddressInfo,
    ) -> Result<(), LoaderError> {
        match address {
            IpAddr::V4(address) => self.prefix4.insert(bits.into(), address.octets(), info),
            IpAddr::V6(address) => self.prefix6.insert(bits.into(), address.octets(), info),
        }
    }

    /// Forgets a prefix.
    pub fn remove_prefix(&mut self, address: IpAddr, bits: u8) -> Result<(), LoaderError> {
        match address {
            IpAddr::V4(address) => self.prefix4.remove(bits.into(), address.octets()),
            IpAddr::V6(address) => self.prefix6.remove(bits.into(), address.octets()),
        }
    }

    /// Every exact address in the kernel.
    pub fn all(&self) -> Result<Vec<(IpAddr, AddressInfo)>, LoaderError> {
        let mut all = Vec::new();
        self.exact4
            .for_each(|key, info| all.push((IpAddr::from(*key), *info)))?;
        self.exact6
            .for_each(|key, info| all.push((IpAddr::from(*key), *info)))?;
        Ok(all)
    }

    /// Lets an endpoint send from a prefix besides its own addresses.
    pub fn allow_source(
        &mut self,
        endpoint: u16,
        address: IpAddr,
        bits: u8,
    ) -> Result<(), LoaderError> {
        let (key, bits) = spoofing_key(endpoint, address, bits);
        self.spoofing.insert(bits, key, 1)
    }

    /// Takes that back.
    pub fn disallow_source(
        &mut self,
        endpoint: u16,
        address: IpAddr,
        bits: u8,
    ) -> Result<(), LoaderError> {
        let (key, bits) = spoofing_key(endpoint, address, bits);
        self.spoofing.remove(bits, key)
    }

    /// Takes back every extra source that an earlier process allowed.
    pub(crate) fn clear_sources(&mut self) -> Result<(), LoaderError> {
        for (bits, key) in self.spoofing.keys()? {
            self.spoofing.remove(bits, key)?;
        }
        Ok(())
    }
}

fn spoofing_key(endpoint: u16, address: IpAddr, bits: u8) -> (SpoofingKey, u32) {
    let (address, mapped_bits) = match address {
        IpAddr::V4(address) => (Ipv4Addr::to_ipv6_mapped(&address), 96),
        IpAddr::V6(address) => (address, 0),
    };
    let key = SpoofingKey {
        endpoint: u32::from(endpoint).to_be_bytes(),
        address: zerocopy::transmute!(address.octets()),
    };
    (key, 32 + mapped_bits + u32::from(bits))
}
