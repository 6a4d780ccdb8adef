//! The system tier: runs on any machine, without root and without a kernel that knows BPF.
//!
//! `cargo build -p cli && cargo test -p tests --test system`

mod filters;
mod follow;
mod inputs;
mod malformed;
mod output;
mod privileges;
mod refused;
mod replay;
mod selection;
mod servers;
mod tls;
