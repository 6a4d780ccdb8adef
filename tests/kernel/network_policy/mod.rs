//! Published meanings of policies case by case, through the real observer with real connections: each attempt passes or
//! not, and the flows name the rule that the policies' text says decides. A case is a file in `kubernetes` or `cilium`; a
//! new one is a new file.

mod case;
mod cluster;
mod traffic;
mod workloads;

use case::cases_of;
use cluster::Cluster;
use traffic::{Outcome, Talk};

#[test]
fn kubernetes() {
    check("kubernetes");
}

#[test]
fn cilium() {
    check("cilium");
}

/// Every row of every case; all that is wrong is told at once.
fn check(folder: &str) {
    let cases = cases_of(folder);
    assert!(cases.len() >= 20, "{} cases", cases.len());
    let mut cluster = Cluster::new();
    let mut wrong = Vec::new();
    for case in &cases {
        cluster.enforce(&case.policies);
        let outcomes = cluster.attempt_all(&case.rows);
        for (row, found) in case.rows.iter().zip(outcomes) {
            let talk = if row.passes() {
                Talk::Answered
            } else {
                Talk::Nothing
            };
            let said = row.expected.clone();
            let expected = Outcome { talk, said };
            if found != expected {
                let (name, text) = (&case.name, &row.text);
                wrong.push(format!(
                    "{name}: {text}\n  expected {expected:?}\n  found    {found:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
