//! The kernel tier: real programs, real packets, in network namespaces. Needs root.

mod smoke;
