//! Who is it: from an address to an identity, and whether an address may be used by an endpoint.

use aya_ebpf::maps::lpm_trie::Key;
use bpf_events::{
    endpoint::{EndpointRow, SPOOFING_STRICT},
    ipcache::{AddressInfo, IDENTITY_WORLD, METADATA_WORLD, SpoofingKey},
};

use crate::maps::{IPCACHE4, IPCACHE4_CIDR, IPCACHE6, IPCACHE6_CIDR, SPOOFING_CIDRS};

const WORLD: AddressInfo = AddressInfo {
    identity: IDENTITY_WORLD,
    metadata: METADATA_WORLD,
    endpoint: 0,
    flags: 0,
};

/// What an address resolves to: exact, then by prefix, else `world`.
#[inline(always)]
pub fn resolve(address: &[u32; 4], ipv6: bool) -> AddressInfo {
    if let Some(exact) = exact(address, ipv6) {
        return exact;
    }
    let prefix = if ipv6 {
        IPCACHE6_CIDR.get(Key::new(128, *address))
    } else {
        IPCACHE4_CIDR.get(Key::new(32, address[3]))
    };
    prefix.copied().unwrap_or(WORLD)
}

#[inline(always)]
fn exact(address: &[u32; 4], ipv6: bool) -> Option<AddressInfo> {
    // SAFETY: values are small and copied at once; an element is replaced, never changed in place.
    unsafe {
        if ipv6 {
            IPCACHE6.get(address).copied()
        } else {
            IPCACHE4.get(address[3]).copied()
        }
    }
}

/// Whether the endpoint may send from this address.
#[inline(always)]
pub fn may_send_from(row: &EndpointRow, address: &[u32; 4], ipv6: bool) -> bool {
    if row.spoofing != SPOOFING_STRICT {
        return true;
    }
    if let Some(info) = exact(address, ipv6)
        && info.endpoint == row.endpoint
    {
        return true;
    }
    let key = SpoofingKey {
        endpoint: (row.endpoint as u32).to_be_bytes(),
        address: *address,
    };
    SPOOFING_CIDRS.get(Key::new(160, key)).is_some()
}
