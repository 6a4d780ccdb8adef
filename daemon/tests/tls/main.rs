//! TLS over real sockets with real certificates: who is served, what a refused client reads, what changes while it runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod changes;
mod place;
mod refused;
mod stalled;
mod who;
