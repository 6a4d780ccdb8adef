//! Many map entries with one system call (`BPF_MAP_*_BATCH`, Linux 5.6), which aya does not offer.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use aya::maps::MapData;
use zerocopy::{FromBytes, IntoBytes};

use crate::error::LoaderError;

/// Entries per call.
const BATCH: usize = 4_096;
/// Commands of bpf(2) (`include/uapi/linux/bpf.h`, enum bpf_cmd).
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
const BPF_MAP_UPDATE_BATCH: libc::c_long = 26;
const BPF_MAP_DELETE_BATCH: libc::c_long = 27;

/// The `batch` member of `union bpf_attr`.
#[repr(C)]
struct Attributes {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    element_flags: u64,
    flags: u64,
}

/// Calls `visit` for every entry of a hash map. Entries that change meanwhile may be seen twice or not at all.
pub(crate) fn for_each<K, V>(
    map: &'static str,
    data: &MapData,
    mut visit: impl FnMut(&K, &V),
) -> Result<(), LoaderError>
where
    K: FromBytes + IntoBytes + Copy,
    V: FromBytes + IntoBytes + Copy,
{
    let mut keys = vec![K::new_zeroed(); BATCH];
    let mut values = vec![V::new_zeroed(); BATCH];
    let mut cursor = [0u64; 8];
    let mut started = false;
    loop {
        let mut next = [0u64; 8];
        let mut attributes = attributes(data, keys.as_mut_ptr().cast(), BATCH);
        attributes.in_batch = if started { cursor.as_ptr() as u64 } else { 0 };
        attributes.out_batch = next.as_mut_ptr() as u64;
        attributes.values = values.as_mut_ptr() as u64;
        let end = match call(BPF_MAP_LOOKUP_BATCH, &mut attributes) {
            Ok(()) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            Err(source) => {
                return Err(LoaderError::System {
                    operation: "BPF_MAP_LOOKUP_BATCH",
                    map,
                    source,
                });
            }
        };
        let count = (attributes.count as usize).min(BATCH);
        for (key, value) in keys.iter().zip(&values).take(count) {
            visit(key, value);
        }
        if end {
            return Ok(());
        }
        cursor = next;
        started = true;
    }
}

/// An update that ended early.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// So many entries stand in the map.
    pub(crate) done: usize,
    /// Why the next one does not.
    pub(crate) error: LoaderError,
}

/// Inserts or replaces entries.
pub(crate) fn update<K, V>(
    map: &'static str,
    data: &MapData,
    keys: &[K],
    values: &[V],
) -> Result<(), Stopped>
where
    K: IntoBytes,
    V: IntoBytes,
{
    let mut done = 0;
    for (keys, values) in keys.chunks(BATCH).zip(values.chunks(BATCH)) {
        let mut attributes = attributes(data, keys.as_ptr().cast(), keys.len());
        attributes.values = values.as_ptr() as u64;
        if let Err(source) = call(BPF_MAP_UPDATE_BATCH, &mut attributes) {
            let error = if source.raw_os_error() == Some(libc::E2BIG) {
                full(map, data)
            } else {
                LoaderError::System {
                    operation: "BPF_MAP_UPDATE_BATCH",
                    map,
                    source,
                }
            };
            done += (attributes.count as usize).min(keys.len());
            return Err(Stopped { done, error });
        }
        done += keys.len();
    }
    Ok(())
}

/// Removes entries; one that is not there is fine. How many were there.
pub(crate) fn remove<K: IntoBytes>(
    map: &'static str,
    data: &MapData,
    mut keys: &[K],
) -> Result<usize, LoaderError> {
    let mut removed = 0;
    while !keys.is_empty() {
        let count = keys.len().min(BATCH);
        let mut attributes = attributes(data, keys.as_ptr().cast(), count);
        let result = call(BPF_MAP_DELETE_BATCH, &mut attributes);
        let done = (attributes.count as usize).min(count);
        removed += done;
        keys = match result {
            Ok(()) => &keys[count..],
            // The batch ends at the first key that is not there.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) && done < count => {
                &keys[done + 1..]
            }
            Err(source) => {
                return Err(LoaderError::System {
                    operation: "BPF_MAP_DELETE_BATCH",
                    map,
                    source,
                });
            }
        };
    }
    Ok(removed)
}

/// The error of a map that takes no more entries.
pub(crate) fn full(map: &'static str, data: &MapData) -> LoaderError {
    LoaderError::Full {
        map,
        entries: data.info().map_or(0, |info| info.max_entries()),
    }
}

fn attributes(data: &MapData, keys: *const u8, count: usize) -> Attributes {
    Attributes {
        in_batch: 0,
        out_batch: 0,
        keys: keys as u64,
        values: 0,
        count: count as u32,
        map_fd: data.fd().as_fd().as_raw_fd() as u32,
        element_flags: 0,
        flags: 0,
    }
}

/// The kernel writes back how many entries it has done.
fn call(command: libc::c_long, attributes: &mut Attributes) -> Result<(), std::io::Error> {
    // SAFETY: the callers' buffers hold `count` keys and values of the map's own sizes and outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<Attributes>(),
        )
    };
    if result < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}
