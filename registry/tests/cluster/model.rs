//! Three nodes that ask for, verify and give back numbers in any order, against a plain map.

use std::collections::BTreeMap;

use policy::Identity;
use proptest::prelude::*;
use registry::cluster::{RegistryError, RegistrySettings, Verified};

use crate::place::{PATIENCE, Part, Place, labels_of};

/// The numbers there are.
const FIRST: u32 = 300;
const NUMBERS: usize = 6;

/// What a node does.
#[derive(Clone, Debug)]
enum Step {
    Allocate {
        node: usize,
        set: u8,
    },
    Release {
        node: usize,
        set: u8,
    },
    Verify {
        node: usize,
        number: u32,
        set: u8,
    },
    /// The process dies, and another takes its place.
    Restart {
        node: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..3_usize;
    let set = 0..9_u8;
    prop_oneof![
        6 => (node.clone(), set.clone()).prop_map(|(node, set)| Step::Allocate { node, set }),
        3 => (node.clone(), set.clone()).prop_map(|(node, set)| Step::Release { node, set }),
        2 => (node.clone(), FIRST..FIRST + NUMBERS as u32, set)
            .prop_map(|(node, number, set)| Step::Verify { node, number, set }),
        1 => node.prop_map(|node| Step::Restart { node }),
    ]
}

fn labels(set: u8) -> policy::LabelSet {
    labels_of(&format!("k8s:set={set}"))
}

/// A number that was given once keeps its meaning, as nothing rests long enough here to be freed: so a map says all.
#[derive(Debug, Default)]
struct Model {
    numbers: BTreeMap<u8, Identity>,
}

impl Model {
    fn set_of(&self, number: Identity) -> Option<u8> {
        let found = self.numbers.iter().find(|(_, known)| **known == number);
        found.map(|(set, _)| *set)
    }

    fn check_allocation(&mut self, set: u8, got: Result<Identity, RegistryError>) {
        let Some(known) = self.numbers.get(&set) else {
            match got {
                Ok(number) => {
                    assert!((FIRST..FIRST + NUMBERS as u32).contains(&number.0));
                    assert_eq!(self.set_of(number), None, "{number} was given twice");
                    self.numbers.insert(set, number);
                }
                Err(RegistryError::Exhausted { .. }) => {
                    assert_eq!(self.numbers.len(), NUMBERS, "numbers were left");
                }
                Err(error) => panic!("{error:?}"),
            }
            return;
        };
        assert_eq!(got.unwrap(), *known);
    }

    fn check_verification(&mut self, number: Identity, set: u8, got: &Verified) {
        let identity_of_labels = self.numbers.get(&set).copied();
        let labels_of_identity = self.set_of(number).map(labels);
        if identity_of_labels == Some(number)
            || (identity_of_labels.is_none() && labels_of_identity.is_none())
        {
            assert_eq!(*got, Verified::Confirmed);
            self.numbers.insert(set, number);
        } else {
            let expect = Verified::Differs {
                identity_of_labels,
                labels_of_identity,
            };
            assert_eq!(*got, expect);
        }
    }
}

async fn run(steps: Vec<Step>) {
    let place = Place::file();
    let settings = |node: usize| RegistrySettings {
        identities: FIRST..=FIRST + NUMBERS as u32 - 1,
        rest: PATIENCE * 60,
        ..place.node(&format!("n{node}"))
    };
    let mut parts = Vec::new();
    for node in 0..3 {
        parts.push(Part::reached(settings(node)).await);
    }
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Allocate { node, set } => {
                let got = parts[node].registry.allocate(&labels(set)).await;
                model.check_allocation(set, got.map(|allocated| allocated.identity));
            }
            Step::Release { node, set } => {
                if let Some(number) = model.numbers.get(&set) {
                    parts[node].registry.release(*number);
                }
            }
            Step::Verify { node, number, set } => {
                let number = Identity(number);
                let got = parts[node].registry.verify(number, &labels(set)).await;
                model.check_verification(number, set, &got.unwrap());
            }
            Step::Restart { node } => {
                let part = parts.remove(node);
                part.stop().await;
                parts.insert(node, Part::reached(settings(node)).await);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_those_of_a_plain_map(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(run(steps));
    }
}
