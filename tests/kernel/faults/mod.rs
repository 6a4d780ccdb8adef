//! What becomes of a cluster's flows when something fails: three observers, a relay, and clients, all real.
//!
//! Each test does the same to a running cluster several times ([`rounds::rounds`]). After each time the accounts have to
//! close: what a client that follows has got and what it was told as lost is what the nodes have stored. After all of
//! them sockets, threads and memory are where they were.

mod account;
mod certificates;
mod client;
mod clocks;
mod fleet;
mod load;
mod network;
mod nodes;
mod peers;
mod process;
mod readers;
mod registry;
mod relays;
mod rounds;
