//! What the servers share: configuration, tracing, health, tasks and drain; TLS, and the way to other servers

pub mod causes;
pub mod config;
pub mod connect;
pub mod drain;
pub mod grpc;
pub mod health;
pub mod listen;
pub mod process;
pub mod signals;
pub mod tasks;
pub mod tls;
pub mod tracing_setup;
