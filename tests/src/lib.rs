//! What the test tiers share: a node of network namespaces with the real datapath, traffic, and records as text.

pub mod accounts;
pub mod agent;
pub mod attempt;
pub mod binary;
pub mod cable;
pub mod crowd;
pub mod datapath;
pub mod decision;
pub mod etcd;
pub mod fleet;
pub mod flows;
pub mod frame;
pub mod grpc;
pub mod named_frames;
pub mod packets;
pub mod random;
pub mod site;
pub mod told;
