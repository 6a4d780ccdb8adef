//! The programs against models, on generated policies and packets: every packet runs through the real program.
//!
//! `policies` holds single packets against `policy::evaluate`, `sequences` whole conversations against a naive model of
//! connections. Each failure names a seed; `TYCHO_SEED=<seed>` runs that case alone.

mod case;
mod expectation;
mod kinds;
mod packet;
mod policies;
mod policy_text;
mod rule_text;
mod world;
