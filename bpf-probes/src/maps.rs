//! Every map of the programs but their scratch (see `scene`). Sizes are defaults; the loader sets those that depend on the node.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LpmTrie, LruHashMap, Queue, RingBuf},
};
use bpf_events::{
    config::{Clock, Config},
    connection::{CONNECTION_ENTRIES, Connection, ConnectionKey4, ConnectionKey6},
    counters::{COUNTERS as COUNTERS_PER_CPU, DEFAULT_CPUS, TOTAL_CODES, Total},
    edge::{BucketKey, DeniedPair, EDGE_SLOTS, EdgeCell, EdgeKey, EdgeState},
    endpoint::{EndpointRow, INTERFACE_ENTRIES, ROW_ENTRIES},
    fragment::FragmentKey,
    ipcache::{AddressInfo, SpoofingKey},
    policy::{CELL_ENTRIES, GENERATION_ENTRIES, PolicyCell, PolicyHeader, PolicyKey, SET_ENTRIES},
};

/// User space reads and writes these through `mmap`.
const MEMORY_MAPPED: u32 = 1 << 10;
/// Entries are allocated when they are inserted.
const NO_PREALLOCATION: u32 = 1;

#[map]
pub static CONFIG: Array<Config> = Array::with_max_entries(1, MEMORY_MAPPED);
#[map]
pub static CLOCK: Array<Clock> = Array::with_max_entries(1, 0);

#[map]
pub static ENDPOINT_BY_INTERFACE: Array<u64> =
    Array::with_max_entries(INTERFACE_ENTRIES, MEMORY_MAPPED);
#[map]
pub static ENDPOINT_ROWS: Array<EndpointRow> = Array::with_max_entries(ROW_ENTRIES, 0);
#[map]
pub static SPOOFING_CIDRS: LpmTrie<SpoofingKey, u32> = LpmTrie::with_max_entries(16_384, 0);

#[map]
pub static IPCACHE4: HashMap<u32, AddressInfo> =
    HashMap::with_max_entries(262_144, NO_PREALLOCATION);
#[map]
pub static IPCACHE6: HashMap<[u32; 4], AddressInfo> =
    HashMap::with_max_entries(262_144, NO_PREALLOCATION);
#[map]
pub static IPCACHE4_CIDR: LpmTrie<u32, AddressInfo> = LpmTrie::with_max_entries(65_536, 0);
#[map]
pub static IPCACHE6_CIDR: LpmTrie<[u32; 4], AddressInfo> = LpmTrie::with_max_entries(65_536, 0);

#[map]
pub static POLICY_SETS: Array<u32> = Array::with_max_entries(SET_ENTRIES, MEMORY_MAPPED);
#[map]
pub static POLICY_GENERATIONS: Array<PolicyHeader> = Array::with_max_entries(GENERATION_ENTRIES, 0);
#[map]
pub static POLICY_CELLS: HashMap<PolicyKey, PolicyCell> =
    HashMap::with_max_entries(CELL_ENTRIES, NO_PREALLOCATION);

#[map]
pub static CONNECTIONS4: LruHashMap<ConnectionKey4, Connection> =
    LruHashMap::with_max_entries(CONNECTION_ENTRIES, 0);
#[map]
pub static CONNECTIONS6: LruHashMap<ConnectionKey6, Connection> =
    LruHashMap::with_max_entries(CONNECTION_ENTRIES, 0);
#[map]
pub static FRAGMENTS: LruHashMap<FragmentKey, u64> = LruHashMap::with_max_entries(8_192, 0);

#[map]
pub static EDGES: HashMap<EdgeKey, EdgeState> = HashMap::with_max_entries(EDGE_SLOTS, 0);
#[map]
pub static EDGE_CELLS: Array<EdgeCell> =
    Array::with_max_entries(EDGE_SLOTS * DEFAULT_CPUS, MEMORY_MAPPED);
#[map]
pub static FREE_SLOTS: Queue<u32> = Queue::with_max_entries(EDGE_SLOTS, 0);
#[map]
pub static DENIED_PORTS: LruHashMap<DeniedPair, u32> = LruHashMap::with_max_entries(16_384, 0);
#[map]
pub static DROP_BUCKETS: LruHashMap<BucketKey, u64> = LruHashMap::with_max_entries(16_384, 0);

#[map]
pub static TOTALS: Array<Total> =
    Array::with_max_entries(TOTAL_CODES * DEFAULT_CPUS, MEMORY_MAPPED);
#[map]
pub static COUNTERS: Array<u64> =
    Array::with_max_entries(COUNTERS_PER_CPU * DEFAULT_CPUS, MEMORY_MAPPED);
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(4 << 20, 0);
