//! Published meanings of policies case by case, with real connections: each attempt passes or not, and the hooks name the
//! rule that the policies' text says decides. A case is a file in `kubernetes` or `cilium`; a new one is a new file.

mod case;
mod stage;
mod workloads;

use case::{Case, cases_of};
use stage::{Outcome, Stage};

#[test]
fn kubernetes() {
    check(&cases_of("kubernetes"));
}

#[test]
fn cilium() {
    check(&cases_of("cilium"));
}

/// Every row of every case; all that is wrong is told at once.
fn check(cases: &[Case]) {
    assert!(cases.len() >= 20, "{} cases", cases.len());
    let mut stage = Stage::new();
    let mut wrong = Vec::new();
    for case in cases {
        stage.enforce(&case.policies);
        for row in &case.rows {
            let expected = Outcome {
                answered: row.passes(),
                said: row.expected.clone(),
            };
            let found = stage.attempt(row);
            if found != expected {
                wrong.push(format!(
                    "{}: {}\n  expected {expected:?}\n  found    {found:?}",
                    case.name, row.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
