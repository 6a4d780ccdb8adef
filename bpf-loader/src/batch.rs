//! Many map entries with one system call (`BPF_MAP_LOOKUP_BATCH`, Linux 5.6), which aya does not offer.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use aya::maps::MapData;
use zerocopy::{FromBytes, IntoBytes};

use crate::error::LoaderError;

/// Entries per call.
const BATCH: usize = 4_096;
/// Command of bpf(2) (`include/uapi/linux/bpf.h`, enum bpf_cmd).
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;

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
        let mut attributes = Attributes {
            in_batch: if started { cursor.as_ptr() as u64 } else { 0 },
            out_batch: next.as_mut_ptr() as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: BATCH as u32,
            map_fd: data.fd().as_fd().as_raw_fd() as u32,
            element_flags: 0,
            flags: 0,
        };
        // SAFETY: the buffers hold BATCH keys and values of the map's own sizes and outlive the call.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                BPF_MAP_LOOKUP_BATCH,
                &raw mut attributes,
                size_of::<Attributes>(),
            )
        };
        let error = (result < 0).then(std::io::Error::last_os_error);
        let end = match &error {
            None => false,
            Some(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            Some(_) => {
                let source = std::io::Error::last_os_error();
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

/// Commands of bpf(2) for one element.
const BPF_MAP_LOOKUP_ELEM: libc::c_long = 1;
const BPF_MAP_LOOKUP_AND_DELETE_ELEM: libc::c_long = 21;

/// The members of `union bpf_attr` for one element.
#[repr(C)]
struct ElementAttributes {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// What stands under a key of a hash map.
pub(crate) fn look_up<K, V>(
    map: &'static str,
    data: &MapData,
    key: &K,
) -> Result<Option<V>, LoaderError>
where
    K: FromBytes + IntoBytes + Copy,
    V: FromBytes + IntoBytes + Copy,
{
    element(BPF_MAP_LOOKUP_ELEM, "BPF_MAP_LOOKUP_ELEM", (map, data), key)
}

/// Removes an entry of a hash map and returns what stood there, in one step (Linux 5.14).
pub(crate) fn remove<K, V>(
    map: &'static str,
    data: &MapData,
    key: &K,
) -> Result<Option<V>, LoaderError>
where
    K: FromBytes + IntoBytes + Copy,
    V: FromBytes + IntoBytes + Copy,
{
    element(
        BPF_MAP_LOOKUP_AND_DELETE_ELEM,
        "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
        (map, data),
        key,
    )
}

fn element<K, V>(
    command: libc::c_long,
    operation: &'static str,
    (map, data): (&'static str, &MapData),
    key: &K,
) -> Result<Option<V>, LoaderError>
where
    K: FromBytes + IntoBytes + Copy,
    V: FromBytes + IntoBytes + Copy,
{
    let mut value = V::new_zeroed();
    let mut attributes = ElementAttributes {
        map_fd: data.fd().as_fd().as_raw_fd() as u32,
        reserved: 0,
        key: std::ptr::from_ref(key) as u64,
        value: std::ptr::from_mut(&mut value) as u64,
        flags: 0,
    };
    // SAFETY: key and value have the map's own sizes and outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            &raw mut attributes,
            size_of::<ElementAttributes>(),
        )
    };
    if result >= 0 {
        return Ok(Some(value));
    }
    let source = std::io::Error::last_os_error();
    if source.kind() == std::io::ErrorKind::NotFound {
        return Ok(None);
    }
    Err(LoaderError::System {
        operation,
        map,
        source,
    })
}
