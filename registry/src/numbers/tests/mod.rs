//! What is recorded and released is read back; what cannot be is said.

mod allocator;
mod model;

use std::time::Duration;

use serde_json::json;

use super::*;

const NOW: u64 = 1_800_000_000;

fn identity(number: u32, label: &str) -> Entry {
    Entry::Identity {
        number,
        labels: vec![label.to_owned()],
        from_ns: Some(NOW * 1_000_000_000),
    }
}

/// A moment of that second.
fn at(unix_s: u64) -> Duration {
    Duration::new(unix_s, 5)
}

fn store() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node-a/numbers");
    (directory, path)
}

fn open(path: &Path) -> (Numbers, Loaded) {
    Numbers::open(path, NOW).unwrap()
}

#[test]
fn every_kind_reads_back() {
    let (_directory, path) = store();
    let description = json!({"name": "shop/backend", "index": 3});
    let entries = [
        identity(256, "k8s:role=frontend"),
        Entry::Rule {
            number: 1,
            key: "cnp/shop/backend/ingress/0".to_owned(),
            description: description.as_object().unwrap().clone(),
        },
        Entry::Metadata {
            number: 7,
            value: json!({"identity": 256, "pod": "a\nb"}),
        },
        Entry::Endpoint {
            number: 1,
            name: "shop/frontend-1".to_owned(),
        },
        Entry::Prefix {
            number: 1,
            cidr: "10.0.0.0/8".to_owned(),
            from_ns: 5,
        },
        Entry::Other {
            group: "slot".to_owned(),
            number: 1,
            value: json!(null),
        },
    ];
    let (mut numbers, loaded) = open(&path);
    assert!(loaded.entries.is_empty());
    numbers.record_all(&entries).unwrap();
    drop(numbers);
    let (numbers, loaded) = open(&path);
    assert_eq!(numbers.len(), entries.len());
    for entry in &entries {
        assert_eq!(loaded.entries[&(entry.kind(), entry.number())], *entry);
        assert_eq!(
            loaded.entries_of(&entry.kind()).collect::<Vec<_>>(),
            [entry]
        );
        assert_eq!(loaded.last[&entry.kind()], entry.number());
    }
    assert!(loaded.released.is_empty());
}

#[test]
fn a_number_stands_for_one_thing_until_it_is_released() {
    let (_directory, path) = store();
    let (mut numbers, _) = open(&path);
    let before = identity(256, "k8s:a=b");
    numbers.record(&before).unwrap();
    numbers.record(&before).unwrap();
    let both = [identity(257, "k8s:c=d"), identity(256, "k8s:c=d")];
    let error = numbers.record_all(&both).unwrap_err();
    assert_eq!(
        error.to_string(),
        "identity 256 stands for something else, so it cannot be recorded for `k8s:c=d` before it is released"
    );
    assert_eq!(numbers.len(), 1, "all or none");
    numbers.release(Kind::Identity, 256, at(NOW)).unwrap();
    let error = numbers.release(Kind::Identity, 256, at(NOW)).unwrap_err();
    assert!(matches!(error, NumbersError::NotInUse { .. }), "{error}");
    numbers.record_all(&both).unwrap();
    let rule = |text: &str| Entry::Rule {
        number: 1,
        key: "k".to_owned(),
        description: json!({"text": text}).as_object().unwrap().clone(),
    };
    numbers.record(&rule("old")).unwrap();
    numbers.record(&rule("new")).unwrap();
    drop(numbers);
    let (_, loaded) = open(&path);
    assert_eq!(loaded.entries[&(Kind::Rule, 1)], rule("new"));
    assert_eq!(loaded.entries_of(&Kind::Identity).count(), 2);
    assert!(loaded.released.is_empty());
}

#[test]
fn a_second_observer_is_refused_by_name() {
    let (_directory, path) = store();
    let (numbers, _) = open(&path);
    let error = Numbers::open(&path, NOW).unwrap_err();
    let expect = format!("are held by process {}", std::process::id());
    assert!(error.to_string().contains(&expect), "{error}");
    drop(numbers);
    open(&path);
}

#[test]
fn damage_is_named_and_a_torn_end_is_cut() {
    let whole =
        "{\"tycho_numbers\":1}\n{\"record\":{\"kind\":\"endpoint\",\"number\":1,\"name\":\"a\"}}\n";
    let check = |text: &str, expect: Result<(usize, u64), &str>| {
        let (_directory, path) = store();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let opened = Numbers::open(&path, NOW).map(|(_, loaded)| loaded);
        match (opened, expect) {
            (Ok(loaded), Ok(expect)) => {
                assert_eq!(
                    (loaded.entries.len(), loaded.torn_bytes),
                    expect,
                    "{text:?}"
                );
                let (_, again) = open(&path);
                assert_eq!(
                    (again.entries.len(), again.torn_bytes),
                    (expect.0, 0),
                    "{text:?}"
                );
            }
            (Err(error), Err(expect)) => {
                let message = error.to_string();
                assert!(
                    message.contains(&format!("{}:{expect}", path.display())),
                    "{message}"
                );
                assert_eq!(
                    fs::read_to_string(&path).unwrap(),
                    text,
                    "a damaged file stays as it is"
                );
            }
            (found, _) => panic!("{text:?}: {found:?}"),
        }
    };
    check("", Ok((0, 0)));
    check(whole, Ok((1, 0)));
    check("{\"tycho_num", Ok((0, 11)));
    check(&format!("{whole}{{\"rec"), Ok((1, 5)));
    check(&format!("{whole}{{\"rec\n"), Err("3: no line of numbers"));
    check(&format!("{whole}\n{whole}"), Err("3: no line of numbers"));
    check(&format!("{whole}{whole}"), Err("3: a second first line"));
    check(
        "{\"tycho_numbers\":2}\n",
        Err("1: format 2 is of another version"),
    );
    check(
        "{\"last\":[\"rule\",1]}\n",
        Err("1: the first line names no format"),
    );
    check(
        &format!("{whole}{}", "x".repeat(MAX_LINE_BYTES)),
        Err("3: the line is too long"),
    );
}

#[test]
fn an_entry_that_is_too_long_changes_nothing() {
    let (_directory, path) = store();
    let (mut numbers, _) = open(&path);
    let long = identity(300, &"x".repeat(MAX_LINE_BYTES));
    let error = numbers.record_all(&[identity(299, "a"), long]).unwrap_err();
    assert!(matches!(error, NumbersError::TooLong { .. }), "{error}");
    numbers.record(&identity(298, "a")).unwrap();
    drop(numbers);
    assert_eq!(open(&path).1.entries.len(), 1);
}

#[test]
fn what_an_identity_was_is_known_while_its_release_is() {
    let (_directory, path) = store();
    let (mut numbers, _) = open(&path);
    let old = "{\"record\":{\"kind\":\"identity\",\"number\":300,\"labels\":[\"k8s:a=b\"]}}\n";
    numbers.file.write_all(old.as_bytes()).unwrap();
    drop(numbers);
    let (mut numbers, loaded) = open(&path);
    let entry = loaded.entries[&(Kind::Identity, 300)].clone();
    assert!(
        matches!(&entry, Entry::Identity { from_ns: None, labels, .. } if labels[0] == "k8s:a=b"),
        "an earlier version wrote no time: {entry:?}"
    );
    numbers.record(&identity(301, "k8s:c=d")).unwrap();
    for number in [300, 301] {
        numbers.release(Kind::Identity, number, at(NOW)).unwrap();
    }
    let check = || {
        let loaded = log::replay(&path).unwrap();
        let times = loaded.released.iter().map(Released::released_ns);
        assert!(times.eq([NOW * 1_000_000_000 + 5; 2]));
        let was: Vec<_> = loaded.released.iter().map(|one| one.was.clone()).collect();
        let expect = [entry.clone(), identity(301, "k8s:c=d")];
        assert_eq!(was, expect.map(|entry| Some(Box::new(entry))));
    };
    check();
    numbers.compact(NOW).unwrap();
    check();
    numbers.compact(NOW + RELEASE_KEPT_S).unwrap();
    assert!(log::replay(&path).unwrap().released.is_empty());
}

#[test]
fn a_failed_write_is_taken_back_before_the_next() {
    let (_directory, path) = store();
    let (mut numbers, _) = open(&path);
    numbers.record(&identity(256, "a")).unwrap();
    numbers.file.write_all(b"{\"rec").unwrap();
    numbers.torn = true;
    numbers.record(&identity(257, "b")).unwrap();
    drop(numbers);
    let (_, loaded) = open(&path);
    assert_eq!((loaded.entries.len(), loaded.torn_bytes), (2, 0));
}

#[test]
fn many_releases_do_not_make_the_file_grow() {
    let (_directory, path) = store();
    let (mut numbers, _) = open(&path);
    numbers.record(&identity(256, "k8s:stays=yes")).unwrap();
    let mut largest = 0;
    for round in 0..3 * MAX_DEAD_LINES as u32 {
        let number = 257 + round % 1000;
        numbers
            .record(&identity(number, &format!("k8s:round={round}")))
            .unwrap();
        numbers
            .release(Kind::Identity, number, at(NOW + u64::from(round)))
            .unwrap();
        largest = largest.max(fs::metadata(&path).unwrap().len());
    }
    assert!(largest < 200 * 2 * MAX_DEAD_LINES as u64, "{largest}");
    drop(numbers);
    let (_, loaded) = open(&path);
    assert_eq!(loaded.entries.len(), 1);
    assert_eq!(loaded.released.len(), 1000);
    assert_eq!(
        loaded.last[&Kind::Identity],
        257 + (3 * MAX_DEAD_LINES as u32 - 1) % 1000
    );
    assert!(!path.with_extension("new").exists());
}
