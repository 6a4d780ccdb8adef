//! The programs against models, on generated policies and packets: every packet runs through the real program.
//!
//! `policies` holds single packets against `policy::evaluate`, `sequences` whole conversations against a naive model of
//! connections. Each failure names a seed; `TYCHO_SEED=<seed>` runs that case alone.

mod aim;
mod case;
mod conversation;
mod event;
mod expectation;
mod flight;
mod kinds;
mod mapped;
mod model;
mod names;
mod outcome;
mod packet;
mod play;
mod policies;
mod policy_text;
mod related;
mod rule_text;
mod scenery;
mod seen;
mod sequences;
mod telling;
mod world;
