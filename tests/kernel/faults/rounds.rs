//! The same fault again and again, and whether the processes are as before.
//!
//! `cargo xtask soak` sets the number of rounds.

use std::time::{Duration, Instant};

use super::account::Account;
use super::fleet::{Fleet, NODES, Options};
use super::process::Usage;

/// How many rounds there are.
const ROUNDS: &str = "TYCHO_FAULT_ROUNDS";
const ROUNDS_IN_CI: u32 = 3;

/// By how much the memory of a process may grow from the second third of the rounds to the last. In the first rounds
/// stores, tables and allocators fill; after that an observer's memory goes up and down by a few MiB.
const GROWTH_KIB: u64 = 16 * 1_024;

/// The same where a third is a single round: one that had just been started again was seen 13 MiB above the one before.
const GROWTH_OF_ONE_ROUND_KIB: u64 = 64 * 1_024;

/// Rounds of which the median tells no such chance.
const ROUNDS_OF_A_MEDIAN: usize = 3;

/// The runtime keeps threads for blocking work (files, names) as long as there is some now and then.
const MORE_THREADS: usize = 4;

/// Nothing takes that long.
const LONG: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 10;

/// Does it in rounds to a new cluster. After each the account has to close; after all of them nothing may have stayed.
pub(super) fn rounds(
    fault: &str,
    options: Options,
    mut round: impl FnMut(&mut Fleet, &mut Account, u32),
) {
    let rounds = std::env::var_os(ROUNDS).map_or(ROUNDS_IN_CI, |text| {
        let number = text.to_str().and_then(|text| text.parse().ok());
        number.expect("a number of rounds")
    });
    let mut fleet = Fleet::start(options);
    let mut account = Account::open(&fleet);
    account.close(&fleet);
    let before = usage_at_rest(&fleet);
    let mut rss_kib: [Vec<u64>; 4] = Default::default();
    for number in 0..rounds {
        round(&mut fleet, &mut account, number);
        account.close(&fleet);
        for (samples, usage) in rss_kib.iter_mut().zip(usage(&fleet)) {
            samples.push(usage.rss_kib);
        }
    }
    until(|| {
        let after = usage(&fleet);
        let as_before = before.iter().zip(&after).all(|(before, after)| {
            after.sockets <= before.sockets && after.threads <= before.threads + MORE_THREADS
        });
        as_before
            .then_some(())
            .ok_or_else(|| format!("before {before:?}, after {after:?}"))
    });
    for (place, samples) in rss_kib.iter().enumerate() {
        let process = NODES
            .get(place)
            .map_or("relay".to_owned(), |node| format!("observer {node}"));
        judge_memory(fault, &process, samples);
    }
}

/// The sockets of a client that has just gone may still be there for a moment.
fn usage_at_rest(fleet: &Fleet) -> [Usage; 4] {
    let mut least = usage(fleet);
    for _ in 0..LOOKS {
        std::thread::sleep(LOOK);
        for (least, now) in least.iter_mut().zip(usage(fleet)) {
            least.sockets = least.sockets.min(now.sockets);
        }
    }
    least
}

fn usage(fleet: &Fleet) -> [Usage; 4] {
    let [a, b, c] = &fleet.observers;
    [a, b, c, &fleet.relay].map(|process| process.as_ref().expect("it runs").usage())
}

/// Prints a line that `cargo xtask soak` collects, and compares the middle rounds with the last.
#[expect(clippy::print_stdout, reason = "figures for who asks for them")]
fn judge_memory(fault: &str, process: &str, samples: &[u64]) {
    let third = samples.len().div_ceil(3);
    let last_third = samples.len() - third;
    let early = median(&samples[last_third.saturating_sub(third)..last_third.max(1)]);
    let late = median(&samples[last_third..]);
    println!(
        "fault {fault}: {process}: {} rounds, RSS {} KiB after the first, {} KiB after the last, {:+.1} KiB per round {samples:?}",
        samples.len(),
        samples[0],
        samples[samples.len() - 1],
        slope(samples),
    );
    let growth_kib = if third < ROUNDS_OF_A_MEDIAN {
        GROWTH_OF_ONE_ROUND_KIB
    } else {
        GROWTH_KIB
    };
    assert!(
        late <= early + growth_kib,
        "{process} grows: {samples:?} KiB"
    );
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

/// Of the straight line that fits best.
#[expect(clippy::cast_precision_loss, reason = "figures to look at")]
fn slope(samples: &[u64]) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().sum::<u64>() as f64 / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (place, sample) in samples.iter().enumerate() {
        let apart = place as f64 - middle;
        above += apart * (*sample as f64 - mean);
        below += apart * apart;
    }
    if below > 0.0 { above / below } else { 0.0 }
}

/// Looks until it is so; fails with the last answer.
#[track_caller]
pub(super) fn until<T>(mut look: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(value) => return value,
            Err(why) => assert!(begun.elapsed() < LONG, "waited too long: {why}"),
        }
        std::thread::sleep(LOOK);
    }
}
