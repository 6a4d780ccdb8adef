//! For benches only: the trie that could take the place of the policy cells, and what a switch of an inner map costs.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use aya::maps::MapData;
use aya::sys::{Stats, enable_stats};
use bpf_events::policy::PolicyCell;

use crate::datapath::Datapath;
use crate::error::LoaderError;
use crate::pins::Pins;
use crate::probe::Probe;
use crate::{batch, hash};

const TRIE: &str = "BENCH_TRIE";
const OUTER: &str = "an array of maps";

/// A trie of policy cells: identity, direction, protocol and port, big endian.
#[derive(Debug)]
pub struct PolicyTrie {
    data: MapData,
}

impl Datapath {
    /// The trie, once.
    ///
    /// # Errors
    /// If it was taken before.
    pub fn take_policy_trie(&mut self) -> Result<PolicyTrie, LoaderError> {
        let map = hash::take(self.ebpf_mut(), TRIE)?;
        Ok(PolicyTrie {
            data: hash::data(&map, TRIE)?,
        })
    }
}

impl Datapath {
    /// How long a program has run in all while somebody counted, and how often (`bpf_prog_info`).
    ///
    /// # Errors
    /// If the program is not loaded.
    pub fn run_time(&mut self, probe: Probe) -> Result<(Duration, u64), LoaderError> {
        let failed = |source| LoaderError::Run {
            program: probe.name(),
            source: Box::new(source),
        };
        let info = self.program(probe)?.info().map_err(failed)?;
        Ok((info.run_time(), info.run_count()))
    }
}

/// Lets the kernel count the time of every program until the answer is dropped; that costs each run some nanoseconds.
///
/// # Errors
/// If the kernel refuses.
pub fn count_run_time() -> Result<OwnedFd, LoaderError> {
    enable_stats(Stats::RunTime).map_err(|error| LoaderError::System {
        operation: "BPF_ENABLE_STATS",
        map: "(none)",
        source: error.io_error,
    })
}

/// What the kernel counts for a pinned map.
///
/// # Errors
/// If there is no such pin, or `/proc` cannot be read.
pub fn pinned_map_bytes(pins: &Path, map: &'static str) -> Result<u64, LoaderError> {
    let data = MapData::from_pin(Pins::at(pins).map(map)).map_err(hash::failed(map, "open"))?;
    memory_bytes(&data)
}

impl PolicyTrie {
    /// Writes cells with whole keys, in batches as for the cells.
    ///
    /// # Errors
    /// If the map refuses.
    pub fn write(&mut self, cells: &[([u8; 8], PolicyCell)]) -> Result<(), LoaderError> {
        let keys: Vec<[u8; 12]> = cells.iter().map(|(key, _)| with_length(*key)).collect();
        let values: Vec<PolicyCell> = cells.iter().map(|(_, cell)| *cell).collect();
        batch::update(TRIE, &self.data, &keys, &values).map_err(|stopped| stopped.error)
    }

    /// Removes everything written with these keys.
    ///
    /// # Errors
    /// If the map refuses.
    pub fn clear(&mut self, cells: &[([u8; 8], PolicyCell)]) -> Result<(), LoaderError> {
        let keys: Vec<[u8; 12]> = cells.iter().map(|(key, _)| with_length(*key)).collect();
        batch::remove(TRIE, &self.data, &keys).map(|_| ())
    }

    /// What the kernel counts for the trie.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub fn memory_bytes(&self) -> Result<u64, LoaderError> {
        memory_bytes(&self.data)
    }

    /// Puts the trie into an array of maps so many times; the time of each switch.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn switch(&self, times: u32) -> Result<Vec<Duration>, LoaderError> {
        let inner = self.data.fd().as_fd().as_raw_fd();
        let outer = create_outer(inner)?;
        (0..times)
            .map(|_| {
                let started = Instant::now();
                update(&outer, 0, inner)?;
                Ok(started.elapsed())
            })
            .collect()
    }
}

/// A key as the kernel takes it: the prefix length comes first.
fn with_length(key: [u8; 8]) -> [u8; 12] {
    let mut whole = [0; 12];
    whole[..4].copy_from_slice(&64u32.to_ne_bytes());
    whole[4..].copy_from_slice(&key);
    whole
}

/// What the kernel counts for a map (`memlock` in `/proc/self/fdinfo`).
pub(crate) fn memory_bytes(data: &MapData) -> Result<u64, LoaderError> {
    let path = format!("/proc/self/fdinfo/{}", data.fd().as_fd().as_raw_fd());
    let text = std::fs::read_to_string(&path).map_err(|source| LoaderError::File {
        operation: "read",
        path: path.into(),
        source,
    })?;
    let line = text.lines().find_map(|line| line.strip_prefix("memlock:"));
    Ok(line
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0))
}

/// Commands of bpf(2), and a type of map (`include/uapi/linux/bpf.h`).
const BPF_MAP_CREATE: libc::c_long = 0;
const BPF_MAP_UPDATE_ELEM: libc::c_long = 2;
const BPF_MAP_TYPE_ARRAY_OF_MAPS: u32 = 12;

#[repr(C)]
struct CreateAttributes {
    map_type: u32,
    key_bytes: u32,
    value_bytes: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
}

fn create_outer(inner: i32) -> Result<OwnedFd, LoaderError> {
    let attributes = CreateAttributes {
        map_type: BPF_MAP_TYPE_ARRAY_OF_MAPS,
        key_bytes: 4,
        value_bytes: 4,
        max_entries: 1,
        map_flags: 0,
        inner_map_fd: inner.cast_unsigned(),
    };
    // SAFETY: the attributes outlive the call, which reads as many bytes as it is told.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_MAP_CREATE,
            &raw const attributes,
            size_of::<CreateAttributes>(),
        )
    };
    if fd < 0 {
        return Err(refused("BPF_MAP_CREATE"));
    }
    // SAFETY: a new descriptor that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

#[repr(C)]
struct UpdateAttributes {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

fn update(outer: &OwnedFd, index: u32, inner: i32) -> Result<(), LoaderError> {
    let attributes = UpdateAttributes {
        map_fd: outer.as_raw_fd().cast_unsigned(),
        reserved: 0,
        key: std::ptr::from_ref(&index) as u64,
        value: std::ptr::from_ref(&inner) as u64,
        flags: 0,
    };
    // SAFETY: key and value are four bytes each, as the map was made, and outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_MAP_UPDATE_ELEM,
            &raw const attributes,
            size_of::<UpdateAttributes>(),
        )
    };
    if result < 0 {
        return Err(refused("BPF_MAP_UPDATE_ELEM"));
    }
    Ok(())
}

fn refused(operation: &'static str) -> LoaderError {
    LoaderError::System {
        operation,
        map: OUTER,
        source: std::io::Error::last_os_error(),
    }
}
