//! The IP cache: what addresses and prefixes resolve to, and which extra sources an endpoint may use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aya::Ebpf;
use bpf_events::ipcache::{AddressInfo, SpoofingKey};

use crate::error::LoaderError;
use crate::hash::Hash;
use crate::trie::Trie;

/// Owner of the `IPCACHE*` maps and `SPOOFING_CIDRS`.
#[derive(Debug)]
pub struct Addresses {
    exact4: Hash<[u8; 4], AddressInfo>,
    exact6: Hash<[u8; 16], AddressInfo>,
    prefix4: Trie<[u8; 4], AddressInfo>,
    prefix6: Trie<[u8; 16], AddressInfo>,
    spoofing: Trie<SpoofingKey, u32>,
    /// Entries of `exact4` and `exact6`.
    held: [u32; 2],
}

/// A network and its prefix length.
pub type Prefix = (IpAddr, u8);

impl Addresses {
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        let mut addresses = Self {
            exact4: Hash::take(ebpf, "IPCACHE4")?,
            exact6: Hash::take(ebpf, "IPCACHE6")?,
            prefix4: Trie::take(ebpf, "IPCACHE4_CIDR")?,
            prefix6: Trie::take(ebpf, "IPCACHE6_CIDR")?,
            spoofing: Trie::take(ebpf, "SPOOFING_CIDRS")?,
            held: [0; 2],
        };
        let mut held = [0; 2];
        addresses.exact4.for_each(|_, _| held[0] += 1)?;
        addresses.exact6.for_each(|_, _| held[1] += 1)?;
        addresses.held = held;
        Ok(addresses)
    }

    /// Sets what one address resolves to.
    pub fn set(&mut self, address: IpAddr, info: AddressInfo) -> Result<(), LoaderError> {
        let new = match address {
            IpAddr::V4(address) => self.exact4.insert(address.octets(), info),
            IpAddr::V6(address) => self.exact6.insert(address.octets(), info),
        }?;
        self.held[usize::from(address.is_ipv6())] += u32::from(new);
        Ok(())
    }

    /// Forgets an address: it is `world` again, or what a prefix says.
    pub fn remove(&mut self, address: IpAddr) -> Result<(), LoaderError> {
        let was_there = match address {
            IpAddr::V4(address) => self.exact4.remove(address.octets()),
            IpAddr::V6(address) => self.exact6.remove(address.octets()),
        }?;
        self.held[usize::from(address.is_ipv6())] -= u32::from(was_there);
        Ok(())
    }

    /// Sets what a prefix resolves to, from the next packet on. Exact addresses go before prefixes, and a longer prefix
    /// before a shorter one.
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

    /// Every prefix in the kernel.
    pub fn prefixes(&self) -> Result<Vec<(Prefix, AddressInfo)>, LoaderError> {
        let v4 = self.prefix4.all()?.into_iter();
        let v6 = self.prefix6.all()?.into_iter();
        Ok(v4
            .map(|(bits, key, info)| ((IpAddr::from(key), bits as u8), info))
            .chain(v6.map(|(bits, key, info)| ((IpAddr::from(key), bits as u8), info)))
            .collect())
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

    /// Every extra source in the kernel with its endpoint. What an earlier process allowed stays allowed until it is taken
    /// back, so that its connections go on.
    pub fn sources(&self) -> Result<Vec<(u16, Prefix)>, LoaderError> {
        let all = self.spoofing.all()?.into_iter();
        Ok(all.map(|(bits, key, _)| source_of(bits, &key)).collect())
    }

    /// Entries and room of each map.
    pub(crate) fn fill(&self) -> Result<[Fill; 5], LoaderError> {
        let (prefix4, prefix6) = (self.prefix4.fill(), self.prefix6.fill());
        let sources = self.spoofing.fill();
        Ok([
            ("IPCACHE4", self.held[0], self.exact4.capacity()?),
            ("IPCACHE6", self.held[1], self.exact6.capacity()?),
            ("IPCACHE4_CIDR", prefix4.0, prefix4.1),
            ("IPCACHE6_CIDR", prefix6.0, prefix6.1),
            ("SPOOFING_CIDRS", sources.0, sources.1),
        ])
    }
}

/// A map, its entries, and how many it has room for.
type Fill = (&'static str, u32, u32);

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

fn source_of(bits: u32, key: &SpoofingKey) -> (u16, Prefix) {
    let endpoint = u32::from_be_bytes(key.endpoint) as u16;
    let octets: [u8; 16] = zerocopy::transmute!(key.address);
    let address = Ipv6Addr::from(octets);
    // A mapped IPv4 network has at least the 96 bits of the mapping.
    let prefix = match address.to_ipv4_mapped() {
        Some(address) if bits >= 128 => (address.into(), (bits - 128) as u8),
        _ => (address.into(), bits.saturating_sub(32) as u8),
    };
    (endpoint, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_source_is_read_back_as_it_was_written() {
        for (endpoint, address, bits) in [
            (7, "192.0.2.0", 24),
            (65_535, "0.0.0.0", 0),
            (1, "198.51.100.9", 32),
            (9, "2001:db8::", 32),
            (9, "::", 0),
            (300, "2001:db8::1", 128),
        ] {
            let address: IpAddr = address.parse().unwrap();
            let (key, length) = spoofing_key(endpoint, address, bits);
            assert_eq!(source_of(length, &key), (endpoint, (address, bits)));
        }
    }
}
