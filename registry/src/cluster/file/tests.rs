//! The log against a plain map: what transactions do, what another reader sees, what is left after a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::store::{Event, Guard, KeyChange, Lifetime, Outcome, Transaction, Write};
use super::boot::Boot;
use super::line::Owner;
use super::replica::Replica;

/// One transaction of random guards and writes over few keys.
fn transaction() -> impl Strategy<Value = Transaction> {
    let key = || prop_oneof![Just("a/1"), Just("a/2"), Just("a"), Just("b"), Just("b/x")];
    let value = || (0..3_u8).prop_map(|value| value.to_string().into_bytes());
    let guard = prop_oneof![
        key().prop_map(|key| Guard::Absent(key.to_owned())),
        key().prop_map(|key| Guard::Present(key.to_owned())),
        key().prop_map(|key| Guard::AbsentBelow(format!("{key}/"))),
        (key(), value()).prop_map(|(key, value)| Guard::Equals(key.to_owned(), value)),
    ];
    let lifetime = prop_oneof![
        Just(Lifetime::Permanent),
        Just(Lifetime::Node),
        Just(Lifetime::Timer(Duration::from_secs(3600))),
    ];
    let write =
        (key(), proptest::option::of((value(), lifetime))).prop_map(|(key, put)| match put {
            Some((value, lifetime)) => Write::put(key.to_owned(), value, lifetime),
            None => Write::Delete(key.to_owned()),
        });
    // A transaction writes each key once.
    let writes = proptest::collection::vec(write, 0..4).prop_map(|writes| {
        let keyed = writes
            .into_iter()
            .map(|write| (key_of(&write).to_owned(), write));
        keyed
            .collect::<BTreeMap<String, Write>>()
            .into_values()
            .collect::<Vec<_>>()
    });
    (proptest::collection::vec(guard, 0..2), writes).prop_map(|(guards, writes)| Transaction {
        guards,
        writes,
        otherwise_read: vec!["a/1".to_owned(), "b".to_owned()],
    })
}

fn key_of(write: &Write) -> &str {
    match write {
        Write::Put { key, .. } | Write::Delete(key) => key,
    }
}

type Map = BTreeMap<String, Vec<u8>>;

fn holds(map: &Map, guard: &Guard) -> bool {
    match guard {
        Guard::Absent(key) => !map.contains_key(key),
        Guard::Present(key) => map.contains_key(key),
        Guard::AbsentBelow(prefix) => !map.keys().any(|key| key.starts_with(prefix)),
        Guard::Equals(key, value) => map.get(key) == Some(value),
    }
}

/// The naive reading of a transaction.
fn apply(map: &mut Map, transaction: &Transaction) -> (bool, Vec<Option<Vec<u8>>>, u64) {
    if !transaction.guards.iter().all(|guard| holds(map, guard)) {
        let read = transaction.otherwise_read.iter();
        return (false, read.map(|key| map.get(key).cloned()).collect(), 0);
    }
    let mut deleted = 0;
    for write in &transaction.writes {
        match write {
            Write::Put { key, value, .. } => drop(map.insert(key.clone(), value.clone())),
            Write::Delete(key) => deleted += u64::from(map.remove(key).is_some()),
        }
    }
    (true, Vec::new(), deleted)
}

/// What a reader makes of the events it is told.
fn follow(map: &mut Map, replica: &mut Replica) {
    replica.catch_up().unwrap();
    while let Some(event) = replica.next_event() {
        match event {
            Event::All { keys, .. } => {
                *map = keys.into_iter().map(|key| (key.key, key.value)).collect();
            }
            Event::Changes { changes, .. } => {
                for change in changes {
                    match change {
                        KeyChange::Put(stored) => drop(map.insert(stored.key, stored.value)),
                        KeyChange::Delete(key) => drop(map.remove(&key)),
                    }
                }
            }
        }
    }
}

fn replica(directory: &std::path::Path, node: &str) -> Replica {
    Replica::new(directory, Some(Owner::new(node)), Boot::read())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_map(
        steps in proptest::collection::vec((transaction(), any::<bool>(), any::<bool>()), 1..60),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut writers = [replica(directory.path(), "c/a"), replica(directory.path(), "c/b")];
        writers[0].create_if_missing(0).unwrap();
        let mut reader = replica(directory.path(), "c/r");
        let (mut map, mut seen) = (Map::new(), Map::new());
        let mut last = 0;
        for (transaction, second, look) in &steps {
            let writer = &mut writers[usize::from(*second)];
            writer.catch_up().unwrap();
            let Outcome { done, revision, read, deleted } = writer.transact(transaction).unwrap();
            prop_assert_eq!((done, read, deleted), apply(&mut map, transaction));
            prop_assert!(revision >= last);
            last = revision;
            if *look {
                follow(&mut seen, &mut reader);
                prop_assert_eq!(&seen, &map);
            }
        }
        // Written anew, then read by one who has seen most of it, and by one who has seen nothing.
        writers[0].catch_up().unwrap();
        writers[0].compact();
        follow(&mut seen, &mut reader);
        prop_assert_eq!(&seen, &map);
        let mut late = Map::new();
        follow(&mut late, &mut replica(directory.path(), "c/late"));
        prop_assert_eq!(&late, &map);
    }
}

#[test]
fn what_has_run_out_and_what_belongs_to_the_dead_is_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let mut a = replica(directory.path(), "c/a");
    let mut b = replica(directory.path(), "c/b");
    a.create_if_missing(7).unwrap();
    let put = |key: &str, lifetime| Transaction {
        writes: vec![Write::put(key.to_owned(), b"1".to_vec(), lifetime)],
        ..Transaction::default()
    };
    a.catch_up().unwrap();
    for (key, lifetime) in [
        ("long", Lifetime::Timer(Duration::from_secs(3600))),
        ("over", Lifetime::Timer(Duration::ZERO)),
        ("a's", Lifetime::Node),
        ("stays", Lifetime::Permanent),
    ] {
        a.transact(&put(key, lifetime)).unwrap();
    }
    b.catch_up().unwrap();
    assert_eq!(b.owners(), ["c/a".to_owned()].into());
    assert!(a.owners().is_empty(), "its own is none of the others");
    b.drop_expired().unwrap();
    b.drop_node("c/a").unwrap();
    let mut map = Map::new();
    follow(&mut map, &mut a);
    let keys: Vec<&String> = map.keys().collect();
    assert_eq!(keys, ["long", "stays"]);
}

/// A line of the log, mostly a good one.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let good = (any::<u8>(), "[a-z/0-9]{0,12}", "[0-9]{1,4}").prop_map(|(revision, key, value)| {
        format!(r#"{{"revision":{revision},"put":[{{"key":"{key}","value":{value}}}],"delete":["{key}x"]}}"#)
            .into_bytes()
    });
    prop_oneof![
        4 => good,
        1 => proptest::collection::vec(any::<u8>(), 0..80),
        1 => "\\PC{0,40}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_log_holds_it_is_read_or_refused(
        lines in proptest::collection::vec(text(), 0..12),
        has_header in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut reader = replica(directory.path(), "c/a");
        reader.create_if_missing(0).unwrap();
        let path = directory.path().join("entries");
        let header = std::fs::read(&path).unwrap();
        let mut bytes = if has_header { header } else { Vec::new() };
        bytes.extend(lines.join(&b'\n'));
        std::fs::write(&path, &bytes).unwrap();
        let read = reader.catch_up();
        prop_assert_eq!(read.is_err(), reader.catch_up().is_err(), "it stays as it is");
        if let Some(Event::All { keys, .. }) = reader.next_event() {
            prop_assert!(keys.len() <= lines.len());
        }
    }
}
