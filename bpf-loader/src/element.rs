//! One entry of a hash map with one system call, which aya does not offer for maps that evict.

use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use aya::maps::MapData;
use zerocopy::{FromBytes, IntoBytes};

use crate::error::LoaderError;

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
