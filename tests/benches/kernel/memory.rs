//! What the kernel counts for an entry: the map's memory (`memlock` of its descriptor) by its entries.

use std::path::PathBuf;

use bpf_events::policy::PolicyCell;
use bpf_loader::bench::pinned_map_bytes;
use bpf_loader::policy_sets::SetWrite;
use bpf_loader::{Datapath, Pins, RunTimeSettings, Settings};

use crate::look_ups::{compile, servers, trie_cell};
use crate::node::FIRST_RULE;
use crate::{Wanted, print};

pub(crate) const ROWS: &[&str] = &[
    "memory-policy-cell",
    "memory-connection",
    "memory-edge-slot",
];

const CELLS: u32 = 10_000;

pub(crate) fn measure(wanted: &Wanted) {
    let pins = Pinned(PathBuf::from(format!(
        "/sys/fs/bpf/tycho-bench-{}",
        std::process::id()
    )));
    let settings = Settings {
        pins: Some(pins.0.clone()),
        ..Settings::default()
    };
    let loaded = Datapath::load(&settings, &RunTimeSettings::default());
    let mut datapath = loaded.expect("root and a kernel with BPF");
    let bytes = |map| pinned_map_bytes(&pins.0, map).expect("pinned") as f64;
    if wanted.row("memory-policy-cell") {
        let before = bytes("POLICY_CELLS");
        fill(&mut datapath);
        let grown = bytes("POLICY_CELLS") - before;
        print("memory-policy-cell", grown / f64::from(CELLS), "bytes");
        let empty = before / f64::from(settings.policy_cells);
        print("memory-policy-cell/table", empty, "bytes");
        print("memory-policy-cell/trie", trie(&mut datapath), "bytes");
    }
    if wanted.row("memory-connection") {
        for (map, variant) in [("CONNECTIONS4", "v4"), ("CONNECTIONS6", "v6")] {
            let each = bytes(map) / f64::from(settings.connections);
            print(&format!("memory-connection/{variant}"), each, "bytes");
        }
    }
    if wanted.row("memory-edge-slot") {
        let all = bytes("EDGES") + bytes("EDGE_CELLS") + bytes("FREE_SLOTS");
        let each = all / f64::from(settings.edge_slots);
        print("memory-edge-slot", each, "bytes");
    }
}

fn fill(datapath: &mut Datapath) {
    let (identities, _) = servers(CELLS);
    let write = SetWrite {
        set: 1,
        policy: &compile(&identities),
        default_rules: [0; 2],
    };
    let sets = &mut datapath.policy_sets;
    let written = sets.write_all(&[write], 1, |_| FIRST_RULE, |_| true);
    assert_eq!(written.expect("room").switched, 1);
}

/// Of one entry of the trie that could take the place of the cells.
fn trie(datapath: &mut Datapath) -> f64 {
    let mut trie = datapath.take_policy_trie().expect("the first to take it");
    let before = trie.memory_bytes().expect("readable");
    let cells: Vec<([u8; 8], PolicyCell)> = (256..256 + CELLS).map(trie_cell).collect();
    trie.write(&cells).expect("room");
    let grown = trie.memory_bytes().expect("readable") - before;
    grown as f64 / f64::from(CELLS)
}

/// Removes the pins at the end.
struct Pinned(PathBuf);

impl Drop for Pinned {
    fn drop(&mut self) {
        Pins::at(&self.0).remove().expect("they can be removed");
    }
}
