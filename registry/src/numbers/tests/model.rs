//! The store against a model, through ends at any byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;

use proptest::prelude::*;

use super::super::log::{self, Line};
use super::super::{Kind, Loaded};
use super::{NOW, at, identity, open, store};

/// What is done to the store and to the model.
#[derive(Clone, Debug)]
enum Step {
    Record(u32, u8),
    Release(u32),
    /// The process ends inside the next line, after so many of its bytes.
    Tear(u32, usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 256..264_u32;
    prop_oneof![
        4 => (number.clone(), 0..3_u8).prop_map(|(number, label)| Step::Record(number, label)),
        3 => number.clone().prop_map(Step::Release),
        1 => (number, 0..60_usize).prop_map(|(number, bytes)| Step::Tear(number, bytes)),
        1 => Just(Step::Reopen),
    ]
}

/// Numbers in use, and those released since.
#[derive(Debug, Default, PartialEq)]
struct Model {
    used: BTreeMap<u32, String>,
    released: BTreeSet<u32>,
    last: Option<u32>,
}

impl Model {
    fn of(loaded: &Loaded) -> Self {
        let entries = loaded.entries_of(&Kind::Identity);
        Self {
            used: entries
                .map(|entry| (entry.number(), entry.name().unwrap()))
                .collect(),
            released: loaded
                .released
                .iter()
                .map(|released| released.number)
                .collect(),
            last: loaded.last.get(&Kind::Identity).copied(),
        }
    }

    /// Applies the step; whether the store should accept it.
    fn apply(&mut self, step: &Step) -> bool {
        match step {
            Step::Record(number, label) => {
                let label = format!("k8s:label={label}");
                if self.used.get(number).is_some_and(|used| *used != label) {
                    return false;
                }
                self.used.insert(*number, label);
                self.released.remove(number);
                self.last = Some(*number);
                true
            }
            Step::Release(number) => {
                self.used.remove(number).is_some() && self.released.insert(*number)
            }
            Step::Tear(..) | Step::Reopen => true,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_acknowledged_is_read_back(steps in prop::collection::vec(step(), 0..60), compact_at in 0..20_usize) {
        let (_directory, path) = store();
        let mut model = Model::default();
        let (mut numbers, _) = open(&path);
        for step in &steps {
            numbers.compact_at = compact_at;
            let accepted = match step {
                Step::Record(number, label) => numbers.record(&identity(*number, &format!("k8s:label={label}"))).is_ok(),
                Step::Release(number) => numbers.release(Kind::Identity, *number, at(NOW)).is_ok(),
                Step::Tear(number, bytes) => {
                    drop(numbers);
                    let mut line = Vec::new();
                    Line::Record(identity(*number, "k8s:torn=yes")).write_to(&mut line, &path).unwrap();
                    let torn = &line[..*bytes.min(&(line.len() - 1))];
                    OpenOptions::new().append(true).open(&path).unwrap().write_all(torn).unwrap();
                    let (reopened, loaded) = open(&path);
                    prop_assert_eq!(loaded.torn_bytes, torn.len() as u64);
                    numbers = reopened;
                    true
                }
                Step::Reopen => {
                    drop(numbers);
                    numbers = open(&path).0;
                    true
                }
            };
            prop_assert_eq!(accepted, model.apply(step), "{:?}", step);
            prop_assert_eq!(&Model::of(&log::replay(&path).unwrap()), &model);
            prop_assert_eq!(numbers.len(), model.used.len());
        }
    }
}
