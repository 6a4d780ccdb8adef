//! What clients call: the gRPC services of a node, on a Unix socket and on TCP alike.
//!
//! Only modules below this one make `tonic::Status`.

mod agent_events;
mod backward;
mod batches;
mod body;
mod caller;
mod control;
mod decide;
mod edges;
mod endpoints;
mod ends;
mod explain;
mod flows;
mod identities;
mod journal;
mod ledger;
mod namespaces;
mod observer;
mod peers;
mod policies;
mod policy_messages;
mod query;
mod reading;
mod selection;
mod sentence;
mod server;
mod verdict;

pub use server::{ServeError, Server};
