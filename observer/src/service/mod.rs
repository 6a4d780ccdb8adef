//! What clients call: the gRPC services of a node, on a Unix socket and on TCP alike.
//!
//! Only modules below this one make `tonic::Status`.

mod backward;
mod body;
mod control;
mod decide;
mod endpoints;
mod ends;
mod explain;
mod flows;
mod frame;
mod identities;
mod ledger;
mod namespaces;
mod observer;
mod peers;
mod policies;
mod policy_messages;
mod query;
mod request;
mod selection;
mod sentence;
mod server;
mod verdict;

pub use server::{ServeError, Server};
