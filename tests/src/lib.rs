//! What the test tiers share: a node of network namespaces with the real datapath attached.

pub mod datapath;
