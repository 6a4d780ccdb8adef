//! What a relay costs: nodes, relay and client are processes of their own on one machine; the relay's processor time,
//! its memory and the client's clock are read.
//!
//! Prints a JSON object for each figure. With names of rows it measures those only.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod client;
mod hubble;
mod nodes;
mod process;
mod relay_process;
mod rows;

/// As in the `tycho` binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.split_first() {
        Some((role, rest)) if role == nodes::ROLE => nodes::run(rest),
        Some((role, rest)) if role == relay_process::ROLE => relay_process::run(rest),
        _ => rows::measure(&arguments),
    }
}
