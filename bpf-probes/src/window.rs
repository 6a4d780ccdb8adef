//! The linear part of a packet, and how parsing it ended.

use aya_ebpf::bindings::__sk_buff;

/// How parsing ended: one of these, or the drop reason of what is not a packet that can be judged. A number, as it crosses
/// functions that the verifier follows one by one.
pub struct Parsed;

impl Parsed {
    /// The packet can be judged.
    pub const YES: u64 = 0;
    /// ARP, neighbour discovery, MLD or DHCP: passes without judgement.
    pub const ALWAYS_PASSES: u64 = 1;
    /// The headers are there but beyond the linear part, or behind VLAN tags: to be parsed by `slow`.
    pub const NOT_PLAIN: u64 = 2;
}

/// The linear part of a packet.
pub struct Window {
    start: usize,
    end: usize,
    length: usize,
}

impl Window {
    #[inline(always)]
    pub fn of(skb: &__sk_buff) -> Self {
        Self {
            start: skb.data as usize,
            end: skb.data_end as usize,
            length: skb.len as usize,
        }
    }

    #[inline(always)]
    pub fn read<T: Copy>(&self, offset: usize) -> Option<T> {
        let at = self.start + offset;
        if at + size_of::<T>() > self.end {
            return None;
        }
        // SAFETY: the bounds were checked just above. Packets lie at any address; the machines that this is compiled for
        // load words from there, and so does the verifier let them. `read_unaligned` would load byte by byte.
        Some(unsafe { *(at as *const T) })
    }

    /// What it means that a read failed: the header is cut off, or only not linear.
    #[inline(always)]
    pub fn missing(&self, reason: u8) -> u64 {
        if self.end - self.start < self.length {
            Parsed::NOT_PLAIN
        } else {
            reason as u64
        }
    }
}
