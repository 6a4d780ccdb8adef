//! Typed views of maps: the layouts of `bpf-events` as keys and values of aya's maps.

use std::borrow::Borrow;
use std::fmt;
use std::os::fd::AsFd;

use aya::Ebpf;
use aya::Pod;
use aya::maps::{Array, HashMap, Map, MapData, MapError, ProgramArray, Queue};
use aya::programs::ProgramFd;
use zerocopy::{FromBytes, IntoBytes};

use crate::batch::Stopped;
use crate::error::LoaderError;

/// A layout as aya wants it. aya's `Pod` cannot be implemented for types of another crate.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Raw<T>(pub T);

// SAFETY: the layout has no padding and every bit pattern is valid, as zerocopy's derives have checked.
unsafe impl<T: Copy + FromBytes + IntoBytes + 'static> Pod for Raw<T> {}

/// What a layout must be.
pub(crate) trait Layout: Copy + FromBytes + IntoBytes + 'static {}
impl<T: Copy + FromBytes + IntoBytes + 'static> Layout for T {}

/// Takes a map out of the object.
pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, LoaderError> {
    ebpf.take_map(name)
        .ok_or(LoaderError::Missing { kind: "map", name })
}

/// Describes a failed operation.
pub(crate) fn failed(
    map: &'static str,
    operation: &'static str,
) -> impl FnOnce(MapError) -> LoaderError {
    move |source| LoaderError::Map {
        map,
        operation,
        source: Box::new(source),
    }
}

/// The map's file descriptor and size.
pub(crate) fn data(map: &Map, name: &'static str) -> Result<MapData, LoaderError> {
    let data = match map {
        Map::Array(data)
        | Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::LpmTrie(data)
        | Map::Queue(data)
        | Map::RingBuf(data) => data,
        _ => return Err(LoaderError::Missing { kind: "map", name }),
    };
    let fd = data
        .fd()
        .as_fd()
        .try_clone_to_owned()
        .map_err(|source| LoaderError::File {
            operation: "duplicate the descriptor of map",
            path: name.into(),
            source,
        })?;
    MapData::from_fd(fd).map_err(failed(name, "read the size"))
}

/// A hash map.
#[derive(Debug)]
pub(crate) struct Hash<K: Layout, V: Layout> {
    name: &'static str,
    map: HashMap<MapData, Raw<K>, Raw<V>>,
    data: MapData,
}

impl<K: Layout, V: Layout> Hash<K, V> {
    pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, LoaderError> {
        let map = take(ebpf, name)?;
        let data = data(&map, name)?;
        let map = HashMap::try_from(map).map_err(failed(name, "open the hash"))?;
        Ok(Self { name, map, data })
    }

    /// Inserts or replaces; true if it is new.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Result<bool, LoaderError> {
        let put = |map: &mut HashMap<MapData, Raw<K>, Raw<V>>, flags| {
            map.insert(Raw(key), Raw(value), flags)
        };
        match put(&mut self.map, NO_EXIST) {
            Ok(()) => return Ok(true),
            Err(error) if is_errno(&error, libc::EEXIST) => {}
            Err(error) if is_errno(&error, libc::E2BIG) => {
                return Err(crate::batch::full(self.name, &self.data));
            }
            Err(error) => return Err(failed(self.name, "insert")(error)),
        }
        match put(&mut self.map, ANY) {
            Ok(()) => Ok(false),
            Err(error) => Err(failed(self.name, "replace")(error)),
        }
    }

    /// Inserts or replaces many, `values` in the order of `keys`.
    pub(crate) fn insert_all(&mut self, keys: &[K], values: &[V]) -> Result<(), Stopped> {
        crate::batch::update(self.name, &self.data, keys, values)
    }

    /// Removes; whether the entry was there.
    pub(crate) fn remove(&mut self, key: K) -> Result<bool, LoaderError> {
        was_there(self.name, self.map.remove(&Raw(key)))
    }

    /// Removes many; entries that are not there are fine. How many were there.
    pub(crate) fn remove_all(&mut self, keys: &[K]) -> Result<usize, LoaderError> {
        crate::batch::remove(self.name, &self.data, keys)
    }

    /// Entries that it has room for.
    pub(crate) fn capacity(&self) -> Result<u32, LoaderError> {
        capacity(self.name, &self.data)
    }

    /// Visits every entry.
    pub(crate) fn for_each(&self, visit: impl FnMut(&K, &V)) -> Result<(), LoaderError> {
        crate::batch::for_each(self.name, &self.data, visit)
    }
}

/// Flags of an update (`include/uapi/linux/bpf.h`).
pub(crate) const ANY: u64 = 0;
pub(crate) const NO_EXIST: u64 = 1;

/// Whether the kernel answered so.
pub(crate) fn is_errno(error: &MapError, errno: i32) -> bool {
    matches!(error, MapError::SyscallError(call) if call.io_error.raw_os_error() == Some(errno))
}

/// The result of a removal: whether the entry was there.
pub(crate) fn was_there(
    map: &'static str,
    removed: Result<(), MapError>,
) -> Result<bool, LoaderError> {
    match removed {
        Ok(()) => Ok(true),
        Err(MapError::KeyNotFound) => Ok(false),
        Err(error) if is_errno(&error, libc::ENOENT) => Ok(false),
        Err(error) => Err(failed(map, "remove")(error)),
    }
}

/// Entries that a map has room for.
pub(crate) fn capacity(map: &'static str, data: &MapData) -> Result<u32, LoaderError> {
    let info = data.info().map_err(failed(map, "read the size"))?;
    Ok(info.max_entries())
}

/// A hash map that evicts; user space only reads and removes.
#[derive(Debug)]
pub(crate) struct EvictingHash {
    name: &'static str,
    data: MapData,
}

impl EvictingHash {
    pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, LoaderError> {
        let map = take(ebpf, name)?;
        let data = data(&map, name)?;
        Ok(Self { name, data })
    }

    /// Visits every entry.
    pub(crate) fn for_each<K: Layout, V: Layout>(
        &self,
        visit: impl FnMut(&K, &V),
    ) -> Result<(), LoaderError> {
        crate::batch::for_each(self.name, &self.data, visit)
    }

    /// What stands under a key.
    pub(crate) fn look_up<K: Layout, V: Layout>(&self, key: &K) -> Result<Option<V>, LoaderError> {
        crate::element::look_up(self.name, &self.data, key)
    }

    /// Removes an entry and returns what stood there.
    pub(crate) fn remove<K: Layout, V: Layout>(&self, key: &K) -> Result<Option<V>, LoaderError> {
        crate::element::remove(self.name, &self.data, key)
    }

    /// Entries that it has room for.
    pub(crate) fn capacity(&self) -> Result<u32, LoaderError> {
        capacity(self.name, &self.data)
    }
}

/// An array that is written by system call.
pub(crate) struct Rows<V: Layout> {
    name: &'static str,
    map: Array<MapData, Raw<V>>,
}

impl<V: Layout> fmt::Debug for Rows<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl<V: Layout> Rows<V> {
    pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, LoaderError> {
        let map = Array::try_from(take(ebpf, name)?).map_err(failed(name, "open the array"))?;
        Ok(Self { name, map })
    }

    pub(crate) fn set(&mut self, index: u32, value: V) -> Result<(), LoaderError> {
        self.map
            .set(index, Raw(value), 0)
            .map_err(failed(self.name, "write"))
    }

    pub(crate) fn get(&self, index: u32) -> Result<V, LoaderError> {
        self.map
            .get(&index, 0)
            .map(|value| value.0)
            .map_err(failed(self.name, "read"))
    }
}

/// A queue of numbers.
pub(crate) struct Numbers {
    name: &'static str,
    map: Queue<MapData, u32>,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Numbers {
    pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, LoaderError> {
        let map = Queue::try_from(take(ebpf, name)?).map_err(failed(name, "open the queue"))?;
        Ok(Self { name, map })
    }

    pub(crate) fn push(&mut self, number: impl Borrow<u32>) -> Result<(), LoaderError> {
        self.map
            .push(number.borrow(), 0)
            .map_err(failed(self.name, "push"))
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> Result<(), LoaderError> {
        loop {
            match self.map.pop(0) {
                Ok(_) => {}
                Err(MapError::ElementNotFound) => return Ok(()),
                Err(MapError::SyscallError(call))
                    if call.io_error.kind() == std::io::ErrorKind::NotFound =>
                {
                    return Ok(());
                }
                Err(error) => return Err(failed(self.name, "pop")(error)),
            }
        }
    }
}

/// A table of programs to run next.
pub(crate) struct Programs {
    name: &'static str,
    map: ProgramArray<MapData>,
}

impl fmt::Debug for Programs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Programs {
    pub(crate) fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Self, LoaderError> {
        let map =
            ProgramArray::try_from(take(ebpf, name)?).map_err(failed(name, "open the table"))?;
        Ok(Self { name, map })
    }

    pub(crate) fn set(&mut self, index: u32, program: &ProgramFd) -> Result<(), LoaderError> {
        self.map
            .set(index, program, 0)
            .map_err(failed(self.name, "set a program"))
    }
}
