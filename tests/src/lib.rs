//! What the test tiers share: a node of network namespaces with the real datapath, traffic, and records as text.

pub mod accounts;
pub mod attempt;
pub mod datapath;
pub mod packets;
pub mod told;
