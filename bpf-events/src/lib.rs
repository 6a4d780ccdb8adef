//! The bytes that cross from the kernel to user space: record and map layouts.
//!
//! Both sides compile this crate: the eBPF programs write these layouts, user space reads them.
//! Every type is `repr(C)` without implicit padding; zerocopy's derives make a violation a compile error.
#![no_std]

pub mod config;
pub mod connection;
pub mod counters;
pub mod edge;
pub mod endpoint;
pub mod fragment;
pub mod ipcache;
pub mod policy;
pub mod record;
pub mod sweep;
