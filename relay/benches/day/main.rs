//! What a day of counts takes: the relay's own store is fed with the seconds of a day, whose time is made up, and the memory
//! of this process is read. Prints a JSON object for each figure.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod cluster;
mod memory;

/// The files of the relay that count and hold windows. They are no part of what it lets others use.
#[expect(
    dead_code,
    unused_imports,
    reason = "a bench needs a part of it, and none of its tests"
)]
#[path = "../../src/dashboard"]
mod dashboard {
    pub(crate) mod cells;
    pub(crate) mod counts;
    mod names;
    mod pods;
    pub(crate) mod series;
    mod store;
}

use std::time::Instant;

use cluster::Cluster;
use dashboard::counts::DashboardCounts;

/// As in the `tycho` binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EDGES: u32 = 10_000;
const IDENTITIES: u32 = 1_000;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const DAY_SECONDS: u64 = 86_400;
/// Not at a full minute, as no relay starts there.
const START_MS: u64 = 1_700_000_013_250;

fn main() {
    let begun = Instant::now();
    let mut counts = DashboardCounts::new(1, START_MS);
    let mut cluster = Cluster::new(EDGES, IDENTITIES, &mut counts, START_MS);
    memory::figure("before", memory::resident_bytes());
    let mut active = 0;
    let mut first_gone_ms = None;
    for second in 0..DAY_SECONDS {
        let now_ms = START_MS + second * SECOND_MS;
        active += cluster.talk(&mut counts, now_ms);
        counts.tick(now_ms);
        if first_gone_ms.is_none() && minutes(&counts).1 {
            first_gone_ms = Some(now_ms);
        }
    }
    memory::figure("resident", memory::resident_bytes());
    memory::figure("peak", memory::peak_bytes());
    memory::figure("accounted", counts.extent().bytes as u64);
    let end_ms = START_MS + DAY_SECONDS * SECOND_MS;
    let hours = |ms: u64| ms as f64 / (60 * MINUTE_MS) as f64;
    println!(
        "a day of {EDGES} edges, {:.0} of them active in a second, took {:.0} s; {} series",
        active as f64 / DAY_SECONDS as f64,
        begun.elapsed().as_secs_f64(),
        counts.extent().series,
    );
    let (oldest_ms, is_cut) = minutes(&counts);
    match first_gone_ms {
        Some(first_ms) => println!(
            "from {:.1} h on the oldest minutes went; at the end the last {:.1} h are held (told: {is_cut})",
            hours(first_ms - START_MS),
            hours(end_ms - oldest_ms),
        ),
        None => println!(
            "no minute went: {:.1} h are held",
            hours(end_ms - oldest_ms)
        ),
    }
}

/// The start of the oldest window of a minute, and whether there were older ones.
fn minutes(counts: &DashboardCounts) -> (u64, bool) {
    let resolutions = counts.extent().resolutions.into_iter();
    let mut minutes = resolutions.filter(|(length_ms, ..)| *length_ms == MINUTE_MS);
    minutes
        .next()
        .map_or((START_MS, false), |(_, oldest_ms, is_cut)| {
            (oldest_ms, is_cut)
        })
}
