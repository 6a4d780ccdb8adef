//! Which generation each set gets: the one that it has, edited or not, another that says the same, or a new one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use policy::Identity;

use super::content::{Content, Edit};

/// A generation that sets point to.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) content: Content,
    /// The newest revision at which all its sets say this.
    pub(super) revision: u32,
    pub(super) sets: BTreeSet<u32>,
    /// A write went wrong half-way: cells of this content may stand there, too, or be missing, for identities that nobody
    /// has.
    pub(super) doubtful: Option<Content>,
}

/// All that has to be done, in this order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Generations that are edited in place.
    pub(super) edits: Vec<(u32, Edit, Content)>,
    /// Generations that get this revision, since a set joins them.
    pub(super) raised: Vec<u32>,
    /// Sets that join a generation.
    pub(super) joining: Vec<(u32, u32)>,
    /// New generations with their sets.
    pub(super) new: Vec<(Content, Vec<u32>)>,
}

impl Plan {
    /// How many sets it affects.
    pub(super) fn sets(&self, generations: &HashMap<u32, Generation>) -> usize {
        let edits = self.edits.iter().map(|(number, ..)| number);
        let edited: usize = edits.map(|number| generations[number].sets.len()).sum();
        let new: usize = self.new.iter().map(|(_, sets)| sets.len()).sum();
        edited + self.joining.len() + new
    }
}

/// The present state, by generation and by set.
#[derive(Clone, Copy)]
pub(super) struct Present<'a> {
    pub(super) generations: &'a HashMap<u32, Generation>,
    pub(super) live: &'a HashMap<u32, u32>,
}

impl Present<'_> {
    fn generation(&self, set: u32) -> Option<(u32, &Generation)> {
        let number = self.live.get(&set)?;
        Some((*number, self.generations.get(number)?))
    }

    fn is(&self, set: u32, wanted: &Content) -> bool {
        self.generation(set)
            .is_some_and(|(_, live)| live.doubtful.is_none() && live.content == *wanted)
    }
}

/// Works out how `wanted` comes about at a revision.
pub(super) fn plan(
    present: Present<'_>,
    wanted: Vec<(u32, Content)>,
    revision: u32,
    in_use: &impl Fn(Identity) -> bool,
) -> Plan {
    let mut plan = Plan::default();
    let (same, mut changed): (BTreeMap<_, _>, BTreeMap<_, _>) = wanted
        .into_iter()
        .partition(|(set, content)| present.is(*set, content));
    edit_in_place(present, &mut changed, in_use, &mut plan);
    let edited: HashSet<u32> = plan.edits.iter().map(|(number, ..)| *number).collect();
    let mut known: HashMap<u64, Vec<u32>> = HashMap::new();
    for (number, generation) in present.generations {
        if generation.doubtful.is_none() && !edited.contains(number) {
            let fingerprint = generation.content.fingerprint();
            known.entry(fingerprint).or_default().push(*number);
        }
    }
    let mut new: HashMap<u64, Vec<usize>> = HashMap::new();
    for (set, content) in changed {
        let fingerprint = content.fingerprint();
        let candidates = known.get(&fingerprint).into_iter().flatten();
        let joined = candidates.copied().find(|number| {
            let generation = &present.generations[number];
            generation.content == content
                && (generation.revision == revision || stays(generation, &same))
        });
        if let Some(number) = joined {
            if present.generations[&number].revision != revision && !plan.raised.contains(&number) {
                plan.raised.push(number);
            }
            plan.joining.push((set, number));
            continue;
        }
        let alike = new.entry(fingerprint).or_default();
        match alike.iter().find(|at| plan.new[**at].0 == content) {
            Some(at) => plan.new[*at].1.push(set),
            None => {
                alike.push(plan.new.len());
                plan.new.push((content, vec![set]));
            }
        }
    }
    plan
}

/// Whether all sets of a generation are known to say the same at the new revision: only then may its verdicts name it.
fn stays(generation: &Generation, same: &BTreeMap<u32, Content>) -> bool {
    generation.sets.iter().all(|set| same.contains_key(set))
}

/// Takes those sets out of `changed` whose generation can be edited: all its sets want the same.
fn edit_in_place(
    present: Present<'_>,
    changed: &mut BTreeMap<u32, Content>,
    in_use: &impl Fn(Identity) -> bool,
    plan: &mut Plan,
) {
    let numbers: BTreeSet<u32> = changed
        .keys()
        .filter_map(|set| present.live.get(set).copied())
        .collect();
    for number in numbers {
        let generation = &present.generations[&number];
        let Some(wanted) = common(generation, changed) else {
            continue;
        };
        if generation.doubtful.is_some() {
            continue;
        }
        if let Some(edit) = generation.content.edit_to(wanted, in_use) {
            let content = wanted.clone();
            for set in &generation.sets {
                changed.remove(set);
            }
            plan.edits.push((number, edit, content));
        }
    }
}

/// What all sets of a generation want, if it is the same.
fn common<'a>(generation: &Generation, changed: &'a BTreeMap<u32, Content>) -> Option<&'a Content> {
    let mut wanted = generation.sets.iter().map(|set| changed.get(set));
    let first = wanted.next()??;
    wanted.all(|other| other == Some(first)).then_some(first)
}
