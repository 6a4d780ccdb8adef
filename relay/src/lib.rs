//! The relay: one ordered stream of all nodes' flows.
//!
//! [`peers`] knows the nodes and keeps a connection to each. For each call of a client, `upstream` opens a stream to
//! every connected peer, `merge` puts their rows into the order of time, and `service` makes of them what the client
//! asked for. [`page`] puts the same services and the web page behind ports that browsers can use. Nothing is done per flow but to compare times and to write the response.
#![forbid(unsafe_code)]

mod clock;
pub mod config;
mod counts;
mod dashboard;
mod error;
mod merge;
pub mod page;
pub mod peers;
mod run;
mod service;
mod upstream;

pub use config::Config;
pub use error::RelayError;
pub use run::{Listeners, bind, run, serve};
