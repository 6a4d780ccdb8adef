//! Files that several processes share, some of which are killed while they write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use registry::cluster::{ClusterState, PolicyEntry};

use crate::place::{Part, Place, node};

/// Tells this test program that it is to be a writer: the URL, and the name of the node.
const WRITER: &str = "REGISTRY_TEST_WRITER";

/// Sets that writers ask for, all the same ones.
const SETS: usize = 400;

/// Bytes of a policy, so that a write takes a while.
const POLICY_BYTES: usize = 300_000;

/// Not a test but a process that the test below starts; without being told so it does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn writer() {
    let Some(told) = std::env::var_os(WRITER) else {
        return;
    };
    let told = told.into_string().unwrap();
    let (url, name) = told.split_once('|').unwrap();
    let part = Part::reached(node(url, name)).await;
    for number in (0..SETS).cycle() {
        let labels = format!("k8s:n={number}");
        let identity = part.allocate(&labels).await;
        println!("got {labels} {}", identity.0);
        if number % 5 == 0 {
            let letter = char::from(b'a' + u8::try_from(number % 26).unwrap());
            let policy = PolicyEntry {
                name: name.to_owned(),
                yaml: letter.to_string().repeat(POLICY_BYTES),
                origin: None,
            };
            part.registry.put_policy(policy).await.unwrap();
        }
    }
}

/// A writer, as a process of its own.
struct Writer {
    process: Child,
    output: PathBuf,
}

impl Writer {
    fn start(url: &str, name: &str, output: PathBuf) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::writer", "--nocapture"])
            .env(WRITER, format!("{url}|{name}"))
            .stdin(Stdio::null())
            .stdout(File::create(&output).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, output }
    }

    /// Waits until it has got so many numbers.
    fn wait_for_numbers(&mut self, count: usize) {
        while self.text().matches("got").count() < count {
            let ended = self.process.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "the writer has ended: {ended:?} {}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_writers_leave_nothing_half_written() {
    let place = Place::file();
    let outputs = tempfile::tempdir().unwrap();
    let mut numbers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for round in 0..8 {
        let mut writers: Vec<Writer> = ["a", "b", "c"]
            .iter()
            .map(|name| Writer::start(&place.url(), name, outputs.path().join(name)))
            .collect();
        for (number, writer) in writers.iter_mut().enumerate() {
            // Another moment each time.
            writer.wait_for_numbers(1 + round * 3 + number);
            std::thread::sleep(Duration::from_millis((round as u64 * 7) % 10));
            writer.kill();
            for line in whole_lines(&writer.output) {
                let Some(line) = line.strip_prefix("got ") else {
                    continue;
                };
                let (labels, identity) = line.split_once(' ').unwrap();
                let known = numbers.entry(labels.to_owned()).or_default();
                known.insert(identity.to_owned());
            }
        }
        let reader = Part::reached(place.reader()).await;
        let state = reader.registry.state().borrow().clone();
        for policy in state.policies.values() {
            let letter = &policy.yaml[..1];
            assert_eq!(policy.yaml, letter.repeat(POLICY_BYTES), "{}", policy.name);
        }
        for (labels, identity) in state.identity_of.iter() {
            assert_eq!(state.labels(*identity), Some(labels));
        }
        assert_eq!(reader.registry.health().borrow().ignored, 0);
    }
    assert!(numbers.len() > 20, "{numbers:?}");
    assert!(numbers.values().all(|each| each.len() == 1), "{numbers:?}");
    // What the dead have held goes with them.
    let alive = Part::reached(place.node("d")).await;
    alive
        .state("nobody else uses an identity", |state| {
            state.users.is_empty()
        })
        .await;
    let (labels, known) = numbers.first_key_value().unwrap();
    let identity = alive.allocate(labels).await;
    assert_eq!(known.first(), Some(&identity.0.to_string()));
}

fn whole_lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_line_is_no_transaction_and_is_cut_off() {
    let place = Place::file();
    let Place::File(directory) = &place else {
        unreachable!();
    };
    let entries = directory.path().join("registry/entries");
    let a = Part::reached(place.node("a")).await;
    let identity = a.allocate("k8s:n=1").await;
    let whole = fs::read(&entries).unwrap();
    // As a writer leaves it that dies within its write.
    let half = br#"{"revision":99,"put":[{"key":"policies/half","val"#;
    fs::write(&entries, [&whole[..], half].concat()).unwrap();
    let b = Part::reached(place.node("b")).await;
    assert!(b.registry.state().borrow().policies.is_empty());
    assert_eq!(b.allocate("k8s:n=1").await, identity);
    assert_ne!(b.allocate("k8s:n=2").await, identity);
    a.state("a reads on", |state| state.identities.len() == 2)
        .await;
    let text = fs::read_to_string(&entries).unwrap();
    assert!(!text.contains("half"), "{text}");
    // A whole line that is none is an error with its place.
    fs::write(&entries, format!("{text}rubbish\n")).unwrap();
    let c = Part::start(place.node("c"));
    let health = c
        .health("it says so", |health| health.last_error.is_some())
        .await;
    let error = std::error::Error::source(&**health.last_error.as_ref().unwrap());
    let error = error.unwrap().to_string();
    let place = format!("{}:{}", entries.display(), text.lines().count() + 1);
    assert!(error.starts_with(&place), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_removed_is_made_again() {
    let place = Place::file();
    let Place::File(directory) = &place else {
        unreachable!();
    };
    let a = Part::reached(place.node("a")).await;
    let b = Part::reached(place.node("b")).await;
    let identity = a.allocate("k8s:role=frontend").await;
    let endpoint = crate::place::endpoint("a", "f1", "10.0.0.1", identity);
    a.publish(crate::place::node_entry("a", 1), vec![endpoint])
        .await;
    let is_whole = |state: &ClusterState| state.endpoints.len() == 1 && state.users.len() == 1;
    let before = b.state("b knows everything", is_whole).await.revision;
    fs::remove_dir_all(directory.path().join("registry")).unwrap();
    let state = b
        .state("everything is there again", |state| {
            state.revision > before && is_whole(state)
        })
        .await;
    assert_eq!(
        state.labels(identity),
        Some(&crate::place::labels_of("k8s:role=frontend"))
    );
    assert_eq!(b.allocate("k8s:role=frontend").await, identity);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_written_anew_under_its_readers() {
    let place = Place::file();
    let Place::File(directory) = &place else {
        unreachable!();
    };
    let a = Part::reached(place.node("a")).await;
    let b = Part::reached(place.node("b")).await;
    let policy = |number: usize| PolicyEntry {
        name: format!("p{}", number % 10),
        yaml: number.to_string(),
        origin: None,
    };
    for number in 0..5_000 {
        a.registry.put_policy(policy(number)).await.unwrap();
    }
    b.state("b has read the last", |state| {
        state.policies.len() == 10 && state.policies["p9"].yaml == "4999"
    })
    .await;
    let text = fs::read_to_string(directory.path().join("registry/entries")).unwrap();
    let lines = text.lines().count();
    assert!(lines < 2_000, "{lines} lines");
    let late = Part::reached(place.reader()).await;
    let state = late.registry.state().borrow().clone();
    assert_eq!(state.policies, b.registry.state().borrow().policies);
}
