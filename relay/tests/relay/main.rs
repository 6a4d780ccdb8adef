//! A relay in front of real observers' services, over real sockets. Records come from the test instead of a kernel.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its scaffolding too"
)]

mod agent_events;
mod clocks;
mod dashboard;
mod edges;
mod fixture;
mod follow;
mod heartbeats;
mod history;
mod hubble;
mod hubble_server;
mod late;
mod losses;
mod nodes;
mod order;
mod page;
mod page_tls;
mod records;
mod refused;
mod serve;
mod shown;
mod tree;
mod union;
