//! What is written for which change, without a kernel.

use std::collections::HashMap;

use bpf_events::policy::{ENFORCED_INGRESS, PolicyCell, PolicyHeader, PolicyKey};
use policy::Identity;

use super::content::{Content, key, place_of};
use super::plan::{Generation, Plan, Present, plan};

/// Cells for these identities (0 is anybody) at TCP port 80, each with a rule.
fn content(cells: &[(u32, u32)]) -> Content {
    let header = PolicyHeader {
        flags: ENFORCED_INGRESS,
        identity_prefixes: [u32::from(!cells.is_empty()) << 16, 0],
        ..PolicyHeader::default()
    };
    let entry = |(identity, rule): &(u32, u32)| {
        let key = PolicyKey {
            generation: 0,
            identity: *identity,
            port: 80,
            protocol: 6,
            prefix: 16,
        };
        let cell = PolicyCell {
            rule: *rule,
            ..PolicyCell::default()
        };
        (place_of(&key), cell)
    };
    Content::new(header, cells.iter().map(entry).collect())
}

/// The present state: number and revision of a generation, its cells, its sets.
type Stands<'a> = (u32, u32, &'a [(u32, u32)], &'a [u32]);

fn planned(stands: &[Stands<'_>], wanted: &[(u32, &[(u32, u32)])], revision: u32) -> Plan {
    let mut generations = HashMap::new();
    let mut live = HashMap::new();
    for (number, revision, cells, sets) in stands {
        live.extend(sets.iter().map(|set| (*set, *number)));
        let generation = Generation {
            content: content(cells),
            revision: *revision,
            sets: sets.iter().copied().collect(),
            doubtful: None,
        };
        generations.insert(*number, generation);
    }
    let present = Present {
        generations: &generations,
        live: &live,
    };
    let wanted = wanted.iter().map(|(set, cells)| (*set, content(cells)));
    // Identities from 1,000 on have no address.
    plan(
        present,
        wanted.collect(),
        revision,
        &|identity: Identity| identity.0 < 1_000,
    )
}

/// A plan in words.
fn told(plan: &Plan) -> String {
    let mut words = Vec::new();
    for (number, edit, _) in &plan.edits {
        let (added, removed) = (edit.added.len(), edit.removed.len());
        words.push(format!("edit {number} +{added} -{removed}"));
    }
    words.extend(plan.raised.iter().map(|number| format!("raise {number}")));
    for (set, number) in &plan.joining {
        words.push(format!("set {set} joins {number}"));
    }
    for (content, sets) in &plan.new {
        words.push(format!("new of {} for {sets:?}", content.cells().len()));
    }
    words.join(", ")
}

#[test]
fn a_set_gets_the_generation_that_costs_least() {
    let (a, b): (&[_], &[_]) = (&[(300, 16), (301, 16)], &[(300, 16)]);
    let check = |stands: &[Stands<'_>], wanted: &[(u32, &[(u32, u32)])], expect: &str| {
        assert_eq!(
            told(&planned(stands, wanted, 7)),
            expect,
            "{stands:?} → {wanted:?}"
        );
    };
    check(
        &[],
        &[(1, a), (2, a), (3, b)],
        "new of 2 for [1, 2], new of 1 for [3]",
    );
    check(&[(5, 6, a, &[1])], &[(1, a)], "");
    check(&[(5, 6, a, &[1])], &[(1, b)], "new of 1 for [1]");
    // Written at this revision: anybody may join.
    check(&[(5, 7, a, &[1])], &[(2, a)], "set 2 joins 5");
    // Written at an older one: only if all who have it are known to say the same still.
    check(&[(5, 6, a, &[1])], &[(2, a)], "new of 2 for [2]");
    check(
        &[(5, 6, a, &[1])],
        &[(1, a), (2, a)],
        "raise 5, set 2 joins 5",
    );
    check(
        &[(5, 6, a, &[1])],
        &[(1, b), (2, a)],
        "new of 1 for [1], new of 2 for [2]",
    );
    check(
        &[(5, 6, a, &[1]), (6, 6, b, &[2, 3])],
        &[(1, a), (2, a), (3, b)],
        "raise 5, set 2 joins 5",
    );
    // Sets change places.
    check(
        &[(5, 7, a, &[1]), (6, 7, b, &[2])],
        &[(1, b), (2, a)],
        "set 1 joins 6, set 2 joins 5",
    );
}

#[test]
fn cells_of_identities_that_nobody_has_come_and_go_in_place() {
    let (a, more): (&[_], &[_]) = (&[(300, 16)], &[(300, 16), (1_000, 16), (1_001, 16)]);
    let check = |stands: &[Stands<'_>], wanted: &[(u32, &[(u32, u32)])], expect: &str| {
        assert_eq!(
            told(&planned(stands, wanted, 7)),
            expect,
            "{stands:?} → {wanted:?}"
        );
    };
    check(&[(5, 6, a, &[1])], &[(1, more)], "edit 5 +2 -0");
    check(&[(5, 6, more, &[1])], &[(1, a)], "edit 5 +0 -2");
    check(
        &[(5, 6, a, &[1, 2])],
        &[(1, more), (2, more)],
        "edit 5 +2 -0",
    );
    // One of two that share it wants something else, or says nothing.
    check(&[(5, 6, a, &[1, 2])], &[(1, more)], "new of 3 for [1]");
    check(
        &[(5, 6, a, &[1, 2])],
        &[(1, more), (2, a)],
        "new of 3 for [1]",
    );
    // Somebody has 300 and 302, a cell for anybody is everybody's, and another rule is another cell.
    check(
        &[(5, 6, a, &[1])],
        &[(1, &[(300, 16), (302, 16), (1_000, 16)])],
        "new of 3 for [1]",
    );
    check(
        &[(5, 6, a, &[1])],
        &[(1, &[(0, 16), (300, 16)])],
        "new of 2 for [1]",
    );
    check(&[(5, 6, a, &[1])], &[(1, &[(300, 17)])], "new of 1 for [1]");
    check(
        &[(5, 6, more, &[1])],
        &[(1, &[(300, 16), (1_000, 17), (1_001, 16)])],
        "new of 3 for [1]",
    );
}

#[test]
fn what_went_wrong_half_way_is_written_anew() {
    let a: &[(u32, u32)] = &[(300, 16)];
    let generation = Generation {
        content: content(a),
        revision: 7,
        sets: [1].into(),
        doubtful: Some(content(&[])),
    };
    let present = Present {
        generations: &HashMap::from([(5, generation)]),
        live: &HashMap::from([(1, 5)]),
    };
    let plan = plan(present, vec![(1, content(a))], 7, &|_| true);
    assert_eq!(told(&plan), "new of 1 for [1]");
}

#[test]
fn a_key_is_read_back_as_it_was_written() {
    for (identity, port, protocol, prefix) in [
        (0, 0, 0, 0),
        (300, 443, 6, 16),
        (1 << 24 | 5, 0x8000, 17, 1 | 0x80),
        (u32::MAX, u16::MAX, u8::MAX, 0xff),
    ] {
        let written = PolicyKey {
            generation: 9,
            identity,
            port,
            protocol,
            prefix,
        };
        assert_eq!(key(9, place_of(&written)), written);
    }
}
