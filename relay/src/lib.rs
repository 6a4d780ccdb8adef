//! Merges the streams of all nodes in the order of time, and serves them.
#![forbid(unsafe_code)]
