//! What can go wrong between user space and the kernel.

use std::path::PathBuf;

/// A failed contact with the kernel.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// The kernel refused the object; needs root (CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON) and a kernel of 5.15 or later.
    #[error("cannot load the eBPF programs (this needs root and a kernel of 5.15 or later)")]
    Load(#[source] Box<aya::EbpfError>),
    /// The verifier refused a program.
    #[error("the kernel refused the eBPF program `{program}`")]
    Program {
        /// Name of the program.
        program: &'static str,
        /// The verifier's words.
        #[source]
        source: Box<aya::programs::ProgramError>,
    },
    /// The object lacks a map or program: it was built from other sources.
    #[error("the eBPF object has no {kind} `{name}`; rebuild with `cargo build`")]
    Missing {
        /// "map" or "program".
        kind: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// A map operation failed.
    #[error("cannot {operation} in map {map}")]
    Map {
        /// The map.
        map: &'static str,
        /// What was tried.
        operation: &'static str,
        /// The kernel's answer.
        #[source]
        source: Box<aya::maps::MapError>,
    },
    /// A map has no room for another entry.
    #[error("map {map} is full: all {entries} entries are in use")]
    Full {
        /// The map.
        map: &'static str,
        /// Its size.
        entries: u32,
    },
    /// A map has no room for what policies need.
    #[error(
        "map {map} is full ({entries} entries): {sets} policy sets go on by what they said before"
    )]
    PoliciesFull {
        /// The map.
        map: &'static str,
        /// Its size.
        entries: u32,
        /// Policy sets that stay as they were.
        sets: usize,
    },
    /// A map could not be memory-mapped.
    #[error("cannot map {map} into memory")]
    MemoryMap {
        /// The map.
        map: &'static str,
        /// The kernel's answer.
        #[source]
        source: std::io::Error,
    },
    /// A bpf(2) call failed.
    #[error("{operation} failed on map {map}")]
    System {
        /// The call.
        operation: &'static str,
        /// The map.
        map: &'static str,
        /// The kernel's answer.
        #[source]
        source: std::io::Error,
    },
    /// Attaching failed.
    #[error("cannot attach to interface `{interface}` ({hook})")]
    Attach {
        /// The interface.
        interface: String,
        /// Ingress or egress of the host end.
        hook: &'static str,
        /// The kernel's answer.
        #[source]
        source: Box<aya::programs::ProgramError>,
    },
    /// A link could not be pinned, read back or removed.
    #[error("cannot {operation} the link {}", path.display())]
    Link {
        /// The pin.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// The kernel's answer.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two interfaces share the low 16 bits of their index.
    #[error(
        "interfaces {first} and {second} have indexes that differ only above bit 16; detach one of them"
    )]
    InterfaceClash {
        /// Index already present.
        first: u32,
        /// Index to be added.
        second: u32,
    },
    /// A file or directory operation failed.
    #[error("cannot {operation} {}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A network namespace could not be entered.
    #[error("cannot enter the network namespace {}; list them with `ip netns`", path.display())]
    Namespace {
        /// The namespace file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A program run by `BPF_PROG_TEST_RUN` failed.
    #[error("cannot run the eBPF program `{program}`")]
    Run {
        /// Name of the program.
        program: &'static str,
        /// The kernel's answer.
        #[source]
        source: Box<aya::programs::ProgramError>,
    },
    /// The kernel's clocks make no sense.
    #[error("cannot measure the kernel's timer frequency: {jiffies} jiffies in {elapsed_ns} ns")]
    Clock {
        /// Jiffies that went by.
        jiffies: u64,
        /// Nanoseconds that went by.
        elapsed_ns: u64,
    },
    /// A sweep request came back with a code that no program returns.
    #[error("the sweeper answered {code}, which is not a code of this version")]
    SweepCode {
        /// The code.
        code: i32,
    },
}
