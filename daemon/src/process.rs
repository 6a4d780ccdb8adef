//! Facts about this process, for a server's status: memory, processor time, its number.

use std::fs;
use std::io;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Why a fact could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// A file below `/proc` could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A field is missing from a file below `/proc`, or is not a number.
    #[error("{path} has no readable field {field}")]
    Field {
        /// The file.
        path: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The process clock could not be read.
    #[error("cannot read the process's processor clock")]
    Clock(#[source] nix::Error),
}

const STATUS: &str = "/proc/self/status";

/// Resident memory in bytes (`VmRSS` of proc_pid_status(5)).
///
/// # Errors
/// When `/proc` is not mounted or lacks the field.
pub fn rss_bytes() -> Result<u64, ProcessError> {
    let status = fs::read_to_string(STATUS).map_err(|source| ProcessError::Read {
        path: STATUS,
        source,
    })?;
    kib_field(&status, "VmRSS:").ok_or(ProcessError::Field {
        path: STATUS,
        field: "VmRSS",
    })
}

/// Processor time of all threads since the start, user and kernel together.
///
/// `CLOCK_PROCESS_CPUTIME_ID` counts nanoseconds; `/proc/self/stat` only hundredths of a second.
///
/// # Errors
/// When the clock cannot be read.
pub fn cpu_time() -> Result<Duration, ProcessError> {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)
        .map(Duration::from)
        .map_err(ProcessError::Clock)
}

/// A field of `/proc/self/status` in bytes; the file gives kibibytes as `Name:   123 kB`.
fn kib_field(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        for (status, expect) in [
            ("Name:\tx\nVmRSS:\t    12 kB\n", Some(12_288)),
            ("VmRSS:\t0 kB", Some(0)),
            ("VmRSS:\t12 MB", None),
            ("VmRSS:\t18446744073709551615 kB", None),
            ("VmHWM:\t12 kB", None),
            ("", None),
        ] {
            assert_eq!(kib_field(status, "VmRSS:"), expect, "{status:?}");
        }
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        assert!(rss_bytes().unwrap() > 100_000);
        let before = cpu_time().unwrap();
        let mut sum = 0_u64;
        while cpu_time().unwrap() == before {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(cpu_time().unwrap() > before);
    }
}
