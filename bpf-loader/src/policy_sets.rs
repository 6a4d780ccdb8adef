//! Policy sets: a change writes a whole new generation, then switches the set with one store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;

use aya::Ebpf;
use bpf_events::policy::{
    ACTION_ALLOW, ACTION_DENY, DIRECTION_BIT_EGRESS, ENFORCED_EGRESS, ENFORCED_INGRESS,
    GENERATION_ENTRIES, PolicyCell, PolicyHeader, PolicyKey, SET_ENTRIES,
};
use policy::{Action, Cell, Direction, PolicySet, RuleRef};

use crate::error::LoaderError;
use crate::hash::{self, Hash, Rows};
use crate::mapped::Mapped;
use crate::retired::Retired;

/// One generation as it stands in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Generation {
    number: u32,
    header: PolicyHeader,
    cells: BTreeMap<(u32, u16, u8, u8), PolicyCell>,
}

/// Owner of `POLICY_SETS`, `POLICY_GENERATIONS` and `POLICY_CELLS`.
#[derive(Debug)]
pub struct PolicySets {
    sets: Mapped,
    headers: Rows<PolicyHeader>,
    cells: Hash<PolicyKey, PolicyCell>,
    live: HashMap<u32, Generation>,
    free: Vec<u32>,
    retired: Retired<Generation>,
    writes: u64,
}

impl PolicySets {
    /// Opens the maps; generations of an earlier process go on until their sets are written again.
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        let name = "POLICY_SETS";
        let map = hash::take(ebpf, name)?;
        let sets = Mapped::new(name, &hash::data(&map, name)?, 4)?;
        let mut policy_sets = Self {
            sets,
            headers: Rows::take(ebpf, "POLICY_GENERATIONS")?,
            cells: Hash::take(ebpf, "POLICY_CELLS")?,
            live: HashMap::new(),
            free: Vec::new(),
            retired: Retired::new(),
            writes: 0,
        };
        policy_sets.adopt()?;
        Ok(policy_sets)
    }

    fn adopt(&mut self) -> Result<(), LoaderError> {
        let mut by_number: HashMap<u32, Generation> = HashMap::new();
        for set in 0..SET_ENTRIES {
            let number = self.switch(set).load(Ordering::Relaxed);
            if number != 0 {
                let generation = Generation {
                    number,
                    header: self.headers.get(number)?,
                    cells: BTreeMap::new(),
                };
                self.live.insert(set, generation);
            }
        }
        let mut orphans = Vec::new();
        for generation in self.live.values() {
            by_number.insert(generation.number, generation.clone());
        }
        self.cells
            .for_each(|key, cell| match by_number.get_mut(&key.generation) {
                Some(generation) => {
                    generation.cells.insert(order(key), *cell);
                }
                None => orphans.push(*key),
            })?;
        for key in orphans {
            self.cells.remove(key)?;
        }
        for generation in self.live.values_mut() {
            if let Some(read) = by_number.remove(&generation.number) {
                *generation = read;
            }
        }
        let used: HashSet<u32> = self.live.values().map(|live| live.number).collect();
        self.free = (1..GENERATION_ENTRIES)
            .rev()
            .filter(|number| !used.contains(number))
            .collect();
        Ok(())
    }

    /// Entries written to the kernel so far (cells, headers and switches).
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// Makes a set say what `policy` says; true if anything had to be written.
    pub fn write(
        &mut self,
        set: u32,
        policy: &PolicySet,
        revision: u32,
        rule_number: impl Fn(RuleRef) -> u32,
    ) -> Result<bool, LoaderError> {
        let header = header(policy, revision);
        let cells: BTreeMap<_, _> = policy
            .cells
            .iter()
            .map(|cell| {
                let (key, value) = entry(cell, rule_number(cell.rule));
                (order(&key), value)
            })
            .collect();
        if let Some(live) = self.live.get(&set)
            && live.cells == cells
            && same_but_revision(&live.header, &header)
        {
            return Ok(false);
        }
        self.collect()?;
        let number = self.free.pop().ok_or(LoaderError::Full {
            map: "POLICY_GENERATIONS",
            entries: GENERATION_ENTRIES,
        })?;
        let generation = Generation {
            number,
            header,
            cells,
        };
        if let Err(error) = self.fill(&generation) {
            // The set goes on as it was.
            self.retired.push(generation);
            return Err(error);
        }
        self.switch(set).store(number, Ordering::Release);
        self.writes += 1;
        if let Some(old) = self.live.insert(set, generation) {
            self.retired.push(old);
        }
        Ok(true)
    }

    /// Empties a set: nothing is enforced any more by whoever has it.
    pub fn remove(&mut self, set: u32) {
        self.switch(set).store(0, Ordering::Release);
        if let Some(old) = self.live.remove(&set) {
            self.retired.push(old);
        }
    }

    /// Sets in use.
    pub fn live(&self) -> impl Iterator<Item = u32> {
        self.live.keys().copied()
    }

    fn fill(&mut self, generation: &Generation) -> Result<(), LoaderError> {
        for (key, cell) in &generation.cells {
            self.cells.insert(key_of(generation.number, key), *cell)?;
        }
        self.headers.set(generation.number, generation.header)?;
        self.writes += generation.cells.len() as u64 + 1;
        Ok(())
    }

    /// Removes the cells of generations that no program can be reading any more.
    fn collect(&mut self) -> Result<(), LoaderError> {
        while let Some(old) = self.retired.pop() {
            for key in old.cells.keys() {
                self.cells.remove(key_of(old.number, key))?;
            }
            self.free.push(old.number);
        }
        Ok(())
    }

    fn switch(&self, set: u32) -> &std::sync::atomic::AtomicU32 {
        self.sets.half_word(set as usize, 0)
    }
}

fn header(policy: &PolicySet, revision: u32) -> PolicyHeader {
    let mut flags = 0;
    if policy.ingress_enforced {
        flags |= ENFORCED_INGRESS;
    }
    if policy.egress_enforced {
        flags |= ENFORCED_EGRESS;
    }
    let masks = |by_identity| {
        [Direction::Ingress, Direction::Egress]
            .map(|direction| policy.lookup_mask(direction, by_identity))
    };
    PolicyHeader {
        revision,
        flags,
        identity_prefixes: masks(true),
        any_prefixes: masks(false),
        audit_prefixes: [0; 2],
        default_rules: [0; 2],
    }
}

/// A new revision that changes nothing for this set is not written: its verdicts name the revision that made them.
fn same_but_revision(live: &PolicyHeader, wanted: &PolicyHeader) -> bool {
    let mut live = *live;
    live.revision = wanted.revision;
    live == *wanted
}

fn entry(cell: &Cell, rule: u32) -> (PolicyKey, PolicyCell) {
    let direction = match cell.direction {
        Direction::Ingress => 0,
        Direction::Egress => DIRECTION_BIT_EGRESS,
    };
    let key = PolicyKey {
        generation: 0,
        identity: cell.identity.map_or(0, |identity| identity.0),
        port: cell.port,
        protocol: cell.protocol.unwrap_or(0),
        prefix: cell.port_prefix | direction,
    };
    let value = PolicyCell {
        rank: cell.rank,
        rule,
        action: match cell.action {
            Action::Allow => ACTION_ALLOW,
            Action::Deny => ACTION_DENY,
        },
        match_type: cell.match_type.number(),
        reserved: 0,
    };
    (key, value)
}

fn order(key: &PolicyKey) -> (u32, u16, u8, u8) {
    (key.identity, key.port, key.protocol, key.prefix)
}

fn key_of(generation: u32, order: &(u32, u16, u8, u8)) -> PolicyKey {
    let (identity, port, protocol, prefix) = *order;
    PolicyKey {
        generation,
        identity,
        port,
        protocol,
        prefix,
    }
}
