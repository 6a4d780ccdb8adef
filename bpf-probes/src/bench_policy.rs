//! For benches only, never attached: look-ups in the policy cells, and in a trie that could take their place.

use aya_ebpf::{
    macros::{classifier, map},
    maps::{LpmTrie, lpm_trie::Key},
    programs::TcContext,
};
use bpf_events::policy::{PolicyCell, PolicyKey};

use crate::{action::NEXT, maps::POLICY_CELLS};

/// Identity, direction, protocol and port, all big endian: a shorter prefix leaves out ports, protocol, and so on.
#[map]
static BENCH_TRIE: LpmTrie<[u8; 8], PolicyCell> = LpmTrie::with_max_entries(65_536, 0);

/// Look-ups per run.
const LOOK_UPS: u32 = 128;
const HEADER: usize = 14;

/// What the "packet" says behind its Ethernet header.
#[repr(C, packed)]
struct Order {
    /// 0: only the keys are made; 1: cells; 2: the trie.
    map: u32,
    /// The identities looked for are `first` and the next ones, so many.
    first: u32,
    count: u32,
    generation: u32,
    /// Goes on from run to run.
    random: u32,
}

/// Looks up random identities at TCP port 443; returns how many it found in this run.
#[classifier]
pub fn policy_look_ups(context: TcContext) -> i32 {
    let (start, end) = (context.data(), context.data_end());
    if start + HEADER + size_of::<Order>() > end {
        return NEXT;
    }
    // SAFETY: in bounds, checked just above.
    let order = unsafe { &mut *((start + HEADER) as *mut Order) };
    let (map, first, count) = (order.map, order.first, order.count);
    let mut random = order.random;
    let mut found = 0;
    let mut key = PolicyKey {
        generation: order.generation,
        identity: 0,
        port: 443,
        protocol: 6,
        prefix: 16,
    };
    for _ in 0..LOOK_UPS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The upper bits, which are the better ones.
        key.identity = first + (((random >> 8) as u64 * count as u64) >> 24) as u32;
        let cell = match map {
            // SAFETY: only whether it is there counts.
            1 => unsafe { POLICY_CELLS.get(&key) }.map(|cell| cell.rank),
            2 => {
                let [a, b, c, d] = key.identity.to_be_bytes();
                let trie_key = Key::new(64, [a, b, c, d, 0, 6, 1, 187]);
                BENCH_TRIE.get(&trie_key).map(|cell| cell.rank)
            }
            _ => Some(key.identity),
        };
        found += (cell.unwrap_or(0) != 0) as i32;
    }
    order.random = random;
    found
}
