//! The per-node agent: kernel events become flows in memory, and gRPC clients read them.
//!
//! Two halves meet in [`Node`]. The *pipeline* ([`pipeline`]) takes records, from the kernel or from anywhere else, and
//! stores flows. The *services* ([`service`]) answer clients from what is stored. The private module `kernel` alone knows
//! the loader: it drains the ring into the pipeline, and makes the kernel's maps say what `desired` works out from the
//! endpoint file and the policies.

pub mod config;
mod desired;
mod error;
mod kernel;
pub mod ledger;
mod links;
pub mod node;
pub mod pipeline;
mod privileges;
mod run;
pub mod service;

pub use config::{Aggregation, Config, Pinning};
pub use error::ObserverError;
pub use node::Node;
pub use policy::Enforcement;
pub use registry::endpoint_file::Mode;
pub use run::run;
