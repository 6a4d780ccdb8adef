//! The fast paths of `flow` against slow and plain ones, over generated rows.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its model too"
)]

mod batch;
mod encode;
mod fields;
mod filter;
mod naive;
mod node;
mod rows;
mod slow;
