//! Endpoints by interface: rows that are switched, never changed under a packet.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use aya::Ebpf;
use bpf_events::endpoint::{EndpointRow, INTERFACE_ENTRIES, ROW_ENTRIES, interface_entry};

use crate::error::LoaderError;
use crate::hash::{self, Rows};
use crate::mapped::Mapped;
use crate::retired::Retired;

/// Owner of `ENDPOINT_BY_INTERFACE` and `ENDPOINT_ROWS`.
#[derive(Debug)]
pub struct Endpoints {
    interfaces: Mapped,
    rows: Rows<EndpointRow>,
    live: BTreeMap<u32, (u32, EndpointRow)>,
    free: Vec<u32>,
    retired: Retired<u32>,
}

impl Endpoints {
    /// Opens the maps; rows of an earlier process are adopted.
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        let name = "ENDPOINT_BY_INTERFACE";
        let map = hash::take(ebpf, name)?;
        let interfaces = Mapped::new(name, &hash::data(&map, name)?, 8)?;
        let rows: Rows<EndpointRow> = Rows::take(ebpf, "ENDPOINT_ROWS")?;
        let mut live = BTreeMap::new();
        for index in 0..INTERFACE_ENTRIES as usize {
            let entry = interfaces.word(index, 0).load(Ordering::Relaxed);
            if entry != 0 {
                let row = (entry >> 32) as u32;
                live.insert(entry as u32, (row, rows.get(row)?));
            }
        }
        let used: std::collections::HashSet<u32> = live.values().map(|(row, _)| *row).collect();
        let free = (1..ROW_ENTRIES)
            .rev()
            .filter(|row| !used.contains(row))
            .collect();
        Ok(Self {
            interfaces,
            rows,
            live,
            free,
            retired: Retired::new(),
        })
    }

    /// What stands in the kernel, by ifindex.
    pub fn live(&self) -> impl Iterator<Item = (u32, &EndpointRow)> {
        self.live.iter().map(|(ifindex, (_, row))| (*ifindex, row))
    }

    /// Map, entries and room.
    pub(crate) fn fill(&self) -> (&'static str, u32, u32) {
        let used = ROW_ENTRIES - 1 - self.free.len() as u32;
        ("ENDPOINT_ROWS", used, ROW_ENTRIES - 1)
    }

    /// Sets the endpoint of an interface; true if anything was written.
    pub fn set(&mut self, ifindex: u32, row: EndpointRow) -> Result<bool, LoaderError> {
        if self
            .live
            .get(&ifindex)
            .is_some_and(|(_, current)| *current == row)
        {
            return Ok(false);
        }
        let index = (ifindex & 0xffff) as usize;
        let present = self.interfaces.word(index, 0).load(Ordering::Relaxed) as u32;
        if present != 0 && present != ifindex {
            return Err(LoaderError::InterfaceClash {
                first: present,
                second: ifindex,
            });
        }
        while let Some(row) = self.retired.pop() {
            self.free.push(row);
        }
        let number = self.free.pop().ok_or(LoaderError::Full {
            map: "ENDPOINT_ROWS",
            entries: ROW_ENTRIES,
        })?;
        self.rows.set(number, row)?;
        self.interfaces
            .word(index, 0)
            .store(interface_entry(ifindex, number), Ordering::Release);
        if let Some((old, _)) = self.live.insert(ifindex, (number, row)) {
            self.retired.push(old);
        }
        Ok(true)
    }

    /// Takes the endpoint away from an interface.
    pub fn remove(&mut self, ifindex: u32) {
        if let Some((row, _)) = self.live.remove(&ifindex) {
            self.interfaces
                .word((ifindex & 0xffff) as usize, 0)
                .store(0, Ordering::Release);
            self.retired.push(row);
        }
    }
}
