//! Who is it: from an address to an identity, and whether an address may be used by an endpoint.

use aya_ebpf::{
    macros::map,
    maps::{PerCpuArray, lpm_trie::Key},
};
use bpf_events::{
    endpoint::SPOOFING_STRICT,
    ipcache::{AddressInfo, IDENTITY_WORLD, METADATA_WORLD, SpoofingKey},
};

use crate::{
    maps::{IPCACHE4, IPCACHE4_CIDR, IPCACHE6, IPCACHE6_CIDR, SPOOFING_CIDRS},
    packet::is_same,
    scene::Scene,
};

const WORLD: AddressInfo = AddressInfo {
    identity: IDENTITY_WORLD,
    metadata: METADATA_WORLD,
    endpoint: 0,
    flags: 0,
};

/// Answers kept per CPU: a power of two.
const ANSWERS: u32 = 512;

/// What an address resolved to under an identity epoch. User space moves the epoch on after each change of what an address
/// means, and a program reads it before it looks anything up: an answer of the present epoch is no older than that.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Answer {
    address: [u32; 4],
    info: AddressInfo,
    identity_epoch: u32,
    /// The family it was asked in: an IPv6 packet may carry what maps an IPv4 address.
    ipv6: u32,
}

/// The last answers, by a hash of the address: new connections come from few endpoints and mostly go to few others.
#[map]
static ANSWERED: PerCpuArray<Answer> = PerCpuArray::with_max_entries(ANSWERS, 0);

/// What an address of the scene's packet resolves to: exact, then by prefix, else `world`.
#[inline(always)]
pub fn resolve(scene: &Scene, address: &[u32; 4]) -> AddressInfo {
    let Some(answer) = ANSWERED.get_ptr_mut(place(address)) else {
        return look_up(scene, address);
    };
    // SAFETY: this CPU's own value; programs on one CPU do not interrupt each other.
    let answer = unsafe { &mut *answer };
    // Identity 0 is nobody's: an empty place.
    let ipv6 = scene.packet.is_ipv6() as u32;
    if answer.identity_epoch == scene.identity_epoch
        && answer.ipv6 == ipv6
        && answer.info.identity != 0
        && is_same(&answer.address, address)
    {
        return answer.info;
    }
    let info = look_up(scene, address);
    answer.address = *address;
    answer.info = info;
    answer.identity_epoch = scene.identity_epoch;
    answer.ipv6 = ipv6;
    info
}

#[inline(always)]
fn place(address: &[u32; 4]) -> u32 {
    let folded = address[0] ^ address[1] ^ address[2] ^ address[3];
    folded.wrapping_mul(0x9e37_79b1) >> (32 - ANSWERS.trailing_zeros())
}

#[inline(always)]
fn look_up(scene: &Scene, address: &[u32; 4]) -> AddressInfo {
    let ipv6 = scene.packet.is_ipv6();
    // SAFETY: values are small and copied at once; an element is replaced, never changed in place.
    let exact = unsafe {
        if ipv6 {
            IPCACHE6.get(address).copied()
        } else {
            IPCACHE4.get(address[3]).copied()
        }
    };
    if let Some(exact) = exact {
        return exact;
    }
    let prefix = if ipv6 {
        IPCACHE6_CIDR.get(Key::new(128, *address))
    } else {
        IPCACHE4_CIDR.get(Key::new(32, address[3]))
    };
    prefix.copied().unwrap_or(WORLD)
}

/// Whether the endpoint may send from the packet's source address.
#[inline(always)]
pub fn may_send(scene: &Scene) -> bool {
    let (row, source) = (&scene.row, &scene.packet.source);
    if row.spoofing != SPOOFING_STRICT || resolve(scene, source).endpoint == row.endpoint {
        return true;
    }
    // A new endpoint may send before the epoch has moved on from who had the address before.
    if look_up(scene, source).endpoint == row.endpoint {
        return true;
    }
    let key = SpoofingKey {
        endpoint: (row.endpoint as u32).to_be_bytes(),
        address: *source,
    };
    SPOOFING_CIDRS.get(Key::new(160, key)).is_some()
}
