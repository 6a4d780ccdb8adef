//! What the servers share: configuration, tracing, health, tasks and drain

pub mod config;
pub mod drain;
pub mod health;
pub mod listen;
pub mod process;
pub mod signals;
pub mod tasks;
pub mod tracing_setup;
