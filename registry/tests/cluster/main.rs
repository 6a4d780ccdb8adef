//! The registry over its real backends: files, and etcd processes of the tests' own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allocation;
mod etcd;
mod freeing;
mod members;
mod model;
mod outages;
mod place;
mod processes;
mod publication;
mod swallow;
