//! What clients call: flows and agent events in one order, edges, the journal, nodes, status; and batches for a relay
//! above.

mod agent_events;
mod answers;
mod batches;
mod body;
mod dashboard;
mod edges;
mod everybody;
mod flows;
mod journal;
mod ledger;
mod namespaces;
mod nodes;
mod observer;
mod responses;
mod server;
mod sources;

pub(crate) use answers::Relay;
pub(crate) use dashboard::{DashboardWorker, wall_ms};
pub(crate) use edges::EdgeHub;
pub(crate) use server::{Served, Server};
