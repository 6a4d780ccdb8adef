//! Holds the architecture against the code: who may use whom, where unsafe code lies, what ARCHITECTURE.md says.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod dependencies;
mod document;
mod fuzzing;
mod licences;
mod repository;
mod sources;
