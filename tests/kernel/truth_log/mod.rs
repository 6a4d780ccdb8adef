//! Every flow shows what held when it happened: labels, names, addresses and policies change under traffic, and a log of
//! the truth says what they were at any time.

mod change;
mod flow;
mod timeline;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::agent::{Agent, wait_for};
use tests::random::{Random, seeds};
use tests::site::Site;

use change::Changes;
use flow::check;
use traffic::Traffic;

/// Workloads of the site are places: endpoints with other names come and go there.
const PLACES: [(&str, &str); 5] = [
    ("place-0", "none"),
    ("place-1", "none"),
    ("place-2", "none"),
    ("place-3", "none"),
    ("fixed", "fixed"),
];
const CHANGES: usize = 150;
/// At least so many, however slow the machine is.
const LEAST_CHANGES: usize = 100;
/// No more changes begin after this.
const LONGEST: Duration = Duration::from_secs(20);
/// Without another flow for so long, the follower has read everything.
const SETTLE: Duration = Duration::from_millis(500);

#[test]
fn every_flow_shows_what_held_when_it_happened() {
    let mut site = Site::new("obt", &PLACES);
    for (place, _) in &PLACES[..4] {
        site.unlist(place);
    }
    let agent = Agent::start(&site, &["--aggregation", "none"]);
    let seed = seeds(1)[0];
    let mut changes = Changes::new(&site, &agent, Random::new(seed));
    changes.begin();
    let follower = agent.follow(&[]);
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let reader = std::thread::spawn(move || -> Vec<Value> {
        let counted = follower.inspect(|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        counted.collect()
    });
    let traffic = Traffic::start(&site, &PLACES.map(|(name, _)| name));
    let begun = Instant::now();
    while changes.made() < CHANGES && begun.elapsed() < LONGEST {
        changes.make_one();
    }
    traffic.stop();
    assert!(changes.made() >= LEAST_CHANGES);
    let mut before = 0;
    wait_for("the follower to have read everything", || {
        std::thread::sleep(SETTLE);
        let now = read.load(Ordering::Relaxed);
        std::mem::replace(&mut before, now) == now
    });
    let truth = changes.truth();
    assert_eq!(agent.terminate().code(), Some(0));
    let flows = reader.join().expect("the follower reads to the end");
    check(seed, &truth, &flows);
}
