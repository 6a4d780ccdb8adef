//! The per-node agent: kernel events become flows in memory, and gRPC clients read them.
//!
//! Two halves meet in [`Node`]. The *pipeline* ([`pipeline`]) takes records, from the kernel or from anywhere else, and
//! stores flows. The *services* ([`service`]) answer clients from what is stored. The private module `kernel` alone knows
//! the loader: it drains the ring into the pipeline, and makes the kernel's maps say what `desired` works out from the
//! endpoint file and the policies. Between them stands `control`: one thread that owns all that changes.

pub mod agent_events;
mod cluster;
pub mod config;
mod control;
mod desired;
pub mod edges;
mod error;
mod kernel;
mod label_filter_file;
pub mod ledger;
mod links;
pub mod node;
pub mod peers;
pub mod pipeline;
mod privileges;
mod run;
pub mod service;
mod start;

pub use config::{Aggregation, Config, Pinning};
pub use error::ObserverError;
pub use label_filter_file::LabelFilterFileError;
pub use node::Node;
pub use policy::{Enforcement, LabelFilter};
pub use registry::cluster::RegistryUrl;
pub use registry::endpoint_file::Mode;
pub use run::{plan_only, run};
