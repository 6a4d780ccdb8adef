//! What clients call: flows in one order, nodes, status; and batches for a relay above.

mod answers;
mod batches;
mod body;
mod flows;
mod ledger;
mod nodes;
mod observer;
mod responses;
mod server;

pub(crate) use answers::Relay;
pub(crate) use server::Server;
