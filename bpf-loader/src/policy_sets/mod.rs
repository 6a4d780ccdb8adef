//! Policy sets: a change writes whole new generations, then switches each set with one store.
//!
//! Sets that say the same share a generation. Cells for identities that no address resolves to come and go in place.

mod content;
mod generations;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use aya::Ebpf;
use bpf_events::policy::SET_ENTRIES;
use policy::{Identity, PolicySet, RuleRef};

use crate::error::LoaderError;
use crate::hash;
use crate::mapped::Mapped;
use content::{Content, Edit};
use generations::Generations;
use plan::{Generation, Plan, Present, plan};

/// What one set should say.
#[derive(Clone, Copy, Debug)]
pub struct SetWrite<'a> {
    /// Number of the set.
    pub set: u32,
    /// Its compiled policy.
    pub policy: &'a PolicySet,
    /// Rule numbers that name the policies of a default deny: ingress, egress.
    pub default_rules: [u32; 2],
}

/// What a call has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Sets that say something else from now on: known connections must be judged again.
    pub switched: usize,
    /// Sets that got or lost cells of identities that nobody has: nothing needs to be judged again.
    pub edited: usize,
}

/// Owner of `POLICY_SETS`, `POLICY_GENERATIONS` and `POLICY_CELLS`.
#[derive(Debug)]
pub struct PolicySets {
    sets: Mapped,
    kernel: Generations,
    generations: HashMap<u32, Generation>,
    /// Generation of each set.
    live: HashMap<u32, u32>,
    switches: u64,
}

impl PolicySets {
    /// Opens the maps; generations of an earlier process go on until their sets are written again.
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        let name = "POLICY_SETS";
        let map = hash::take(ebpf, name)?;
        let mut policy_sets = Self {
            sets: Mapped::new(name, &hash::data(&map, name)?, 4)?,
            kernel: Generations::take(ebpf)?,
            generations: HashMap::new(),
            live: HashMap::new(),
            switches: 0,
        };
        policy_sets.adopt()?;
        Ok(policy_sets)
    }

    /// Reads which sets share which generation, and removes what no set points to.
    fn adopt(&mut self) -> Result<(), LoaderError> {
        let mut users: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for set in 0..SET_ENTRIES {
            let number = self.switch(set).load(Ordering::Relaxed);
            if number != 0 {
                self.live.insert(set, number);
                users.entry(number).or_default().insert(set);
            }
        }
        let numbers = users.keys().copied().collect();
        let mut read = self.kernel.adopt(&numbers)?;
        for (number, sets) in users {
            let (revision, content) = read.remove(&number).expect("one for each number");
            let generation = Generation {
                content,
                revision,
                sets,
                doubtful: None,
            };
            self.generations.insert(number, generation);
        }
        Ok(())
    }

    /// Entries written to the kernel so far: cells, headers and switches.
    pub fn writes(&self) -> u64 {
        self.kernel.writes() + self.switches
    }

    /// Makes one set say what `policy` says; true if it says something else from now on.
    ///
    /// # Errors
    /// As [`PolicySets::write_all`].
    pub fn write(
        &mut self,
        set: u32,
        policy: &PolicySet,
        revision: u32,
        rule_number: impl Fn(RuleRef) -> u32,
        default_rules: [u32; 2],
    ) -> Result<bool, LoaderError> {
        let wanted = SetWrite {
            set,
            policy,
            default_rules,
        };
        let written = self.write_all(&[wanted], revision, rule_number, |_| true)?;
        Ok(written.switched != 0)
    }

    /// Makes sets say what is wanted: everything new is filled in first, then the switches follow.
    ///
    /// A set that says it already is left alone and keeps its revision. `in_use` tells of an identity whether an address
    /// resolves to it, or did within the last second; cells of those to which none does are added and removed in place,
    /// under the revision that is there. So call this before such an identity gets its first address.
    ///
    /// # Errors
    /// If a map is full or refuses. Each set then says what it said before or what is wanted, as a whole; the sets that
    /// [`LoaderError::PoliciesFull`] counts say what they said before.
    pub fn write_all(
        &mut self,
        wanted: &[SetWrite<'_>],
        revision: u32,
        rule_number: impl Fn(RuleRef) -> u32,
        in_use: impl Fn(Identity) -> bool,
    ) -> Result<Written, LoaderError> {
        self.collect()?;
        let lowered = wanted.iter().map(|each| {
            let content = Content::of(each.policy, each.default_rules, &rule_number);
            (each.set, content)
        });
        let present = Present {
            generations: &self.generations,
            live: &self.live,
        };
        let plan = plan(present, lowered.collect(), revision, &in_use);
        let affected = plan.sets(&self.generations);
        let mut written = Written::default();
        match self.carry_out(plan, revision, &mut written) {
            Ok(()) => Ok(written),
            Err(LoaderError::Full { map, entries }) => Err(LoaderError::PoliciesFull {
                map,
                entries,
                sets: affected - written.switched - written.edited,
            }),
            Err(error) => Err(error),
        }
    }

    fn carry_out(
        &mut self,
        plan: Plan,
        revision: u32,
        written: &mut Written,
    ) -> Result<(), LoaderError> {
        for (number, edit, content) in plan.edits {
            written.edited += self.edit(number, &edit, content)?;
        }
        for number in plan.raised {
            self.raise(number, revision)?;
        }
        written.switched += self.join(&plan.joining);
        self.install(plan.new, revision, written)
    }

    /// Empties a set: nothing is enforced any more by whoever has it.
    pub fn remove(&mut self, set: u32) {
        if self.live.contains_key(&set) {
            self.point(set, 0);
        }
    }

    /// Sets in use.
    pub fn live(&self) -> impl Iterator<Item = u32> {
        self.live.keys().copied()
    }

    /// The generation that a set points to, and the revision that its verdicts name.
    pub fn generation(&self, set: u32) -> Option<(u32, u32)> {
        let number = self.live.get(&set)?;
        Some((*number, self.generations.get(number)?.revision))
    }

    /// Frees generations that no program can be reading any more.
    pub(crate) fn collect(&mut self) -> Result<(), LoaderError> {
        self.kernel.collect()
    }

    /// Entries and room of each map.
    pub(crate) fn fill(&self) -> Result<[(&'static str, u32, u32); 3], LoaderError> {
        let [cells, generations] = self.kernel.fill()?;
        Ok([
            cells,
            generations,
            ("POLICY_SETS", self.live.len() as u32, SET_ENTRIES),
        ])
    }

    /// Switches sets to generations that are there; how many sets.
    fn join(&mut self, joining: &[(u32, u32)]) -> usize {
        // First all come, then they go from where they were: a generation that one leaves for another to join stays.
        for (set, number) in joining {
            let generation = self.generations.get_mut(number).expect("it was planned");
            generation.sets.insert(*set);
        }
        for (set, number) in joining {
            self.point(*set, *number);
        }
        joining.len()
    }

    /// Writes new generations and switches their sets.
    fn install(
        &mut self,
        mut new: Vec<(Content, Vec<u32>)>,
        revision: u32,
        written: &mut Written,
    ) -> Result<(), LoaderError> {
        if new.is_empty() {
            return Ok(());
        }
        let contents: Vec<&Content> = new.iter().map(|(content, _)| content).collect();
        match self.kernel.create(&contents, revision) {
            Ok(numbers) => {
                written.switched += self.put_in_force(new, &numbers, revision);
                Ok(())
            }
            // As many at a time as there is room for: those that they replace make room for the next.
            Err(LoaderError::Full { .. }) if new.len() > 1 => {
                let rest = new.split_off(new.len() / 2);
                self.install(new, revision, written)?;
                self.install(rest, revision, written)
            }
            Err(error) => Err(error),
        }
    }

    fn put_in_force(
        &mut self,
        new: Vec<(Content, Vec<u32>)>,
        numbers: &[u32],
        revision: u32,
    ) -> usize {
        let mut switched = 0;
        for ((content, sets), number) in new.into_iter().zip(numbers) {
            let generation = Generation {
                content,
                revision,
                sets: BTreeSet::new(),
                doubtful: None,
            };
            self.generations.insert(*number, generation);
            for set in sets {
                self.point(set, *number);
                switched += 1;
            }
        }
        switched
    }

    /// Edits a generation; how many sets have it.
    fn edit(&mut self, number: u32, edit: &Edit, content: Content) -> Result<usize, LoaderError> {
        let generation = self.generations.get_mut(&number).expect("it was planned");
        let from = (number, generation.revision);
        let edited = self.kernel.edit(from, &generation.content, &content, edit);
        match edited {
            Ok(()) => generation.content = content,
            // Nothing was added.
            Err(LoaderError::Full { .. }) => {}
            Err(_) => generation.doubtful = Some(content),
        }
        edited.map(|()| generation.sets.len())
    }

    /// Lets a generation name a newer revision, at which all its sets say the same as before.
    fn raise(&mut self, number: u32, revision: u32) -> Result<(), LoaderError> {
        let generation = self.generations.get_mut(&number).expect("it was planned");
        let header = generation.content.header(revision);
        self.kernel.write_header(number, header)?;
        generation.revision = revision;
        Ok(())
    }

    /// Switches a set; a generation that no set points to any more is retired.
    fn point(&mut self, set: u32, number: u32) {
        self.switch(set).store(number, Ordering::Release);
        self.switches += 1;
        let old = if number == 0 {
            self.live.remove(&set)
        } else {
            self.live.insert(set, number)
        };
        if let Some(generation) = self.generations.get_mut(&number) {
            generation.sets.insert(set);
        }
        let Some(old) = old else { return };
        let generation = self.generations.get_mut(&old).expect("sets point to it");
        generation.sets.remove(&set);
        if generation.sets.is_empty()
            && let Some(generation) = self.generations.remove(&old)
        {
            let contents = [Some(generation.content), generation.doubtful];
            let contents = contents.iter().flatten();
            self.kernel.retire(old, contents);
        }
    }

    fn switch(&self, set: u32) -> &AtomicU32 {
        self.sets.half_word(set as usize, 0)
    }
}
