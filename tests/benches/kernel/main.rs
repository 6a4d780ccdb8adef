//! What a packet and a policy change cost in the kernel, and how fast nodes learn of each other's endpoints. Needs root.
//!
//! Prints one JSON object per figure. Packets are made up and run by `BPF_PROG_TEST_RUN`, but for `traffic`.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod change;
mod frame;
mod look_ups;
mod memory;
mod node;
mod packets;
mod propagation;
mod traffic;

/// The rows of one file, and what measures those that are wanted of them.
type Part = (&'static [&'static str], fn(&Wanted));

const PARTS: [Part; 6] = [
    (packets::ROWS, packets::measure),
    (change::ROWS, change::measure),
    (look_ups::ROWS, look_ups::measure),
    (memory::ROWS, memory::measure),
    (traffic::ROWS, traffic::measure),
    (propagation::ROWS, propagation::measure),
];

/// The rows that were asked for; all if none was.
struct Wanted(Vec<String>);

impl Wanted {
    fn row(&self, row: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| name == row)
    }
}

fn main() {
    let asked = std::env::args().skip(1).filter(|name| name != "--bench");
    let wanted = Wanted(asked.collect());
    for (rows, measure) in PARTS {
        if rows.iter().any(|row| wanted.row(row)) {
            measure(&wanted);
        }
    }
}

/// One figure; `row` may have a variant behind a slash.
fn print(row: &str, value: f64, unit: &str) {
    println!(r#"{{"row": "{row}", "value": {value:.1}, "unit": "{unit}"}}"#);
}

fn smallest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(f64::MAX, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
