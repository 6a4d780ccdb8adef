//! What clients call: the gRPC services of a node, on a Unix socket and on TCP alike.
//!
//! Only modules below this one make `tonic::Status`.

mod backward;
mod body;
mod flows;
mod frame;
mod ledger;
mod namespaces;
mod observer;
mod query;
mod request;
mod server;

pub use server::{ServeError, Server};
