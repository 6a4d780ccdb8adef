//! The system tier: runs on any machine, without root and without a kernel that knows BPF.
