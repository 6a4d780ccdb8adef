//! Array maps in our own memory: counters are read and switches are thrown without a system call.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use aya::maps::MapData;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::error::LoaderError;

/// A memory-mapped array map (`BPF_F_MMAPABLE`), seen as words.
#[derive(Debug)]
pub struct Mapped {
    start: NonNull<c_void>,
    bytes: NonZeroUsize,
    entry_bytes: usize,
    entries: usize,
}

// SAFETY: the memory is shared with the kernel anyhow; it is touched only through atomics, and unmapped once, on drop.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps the whole array.
    pub(crate) fn new(
        map: &'static str,
        data: &MapData,
        entry_bytes: usize,
    ) -> Result<Self, LoaderError> {
        let failed = |source| LoaderError::MemoryMap { map, source };
        let entries = data
            .info()
            .map_err(|source| LoaderError::Map {
                map,
                operation: "read the size",
                source: Box::new(source),
            })?
            .max_entries() as usize;
        // The kernel rounds entries up to eight bytes (array_map_alloc, `elem_size`).
        let entry_bytes = entry_bytes.next_multiple_of(8);
        let bytes = (entries * entry_bytes).next_multiple_of(4096);
        let bytes = NonZeroUsize::new(bytes)
            .ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        // SAFETY: a fresh shared mapping at an address that the kernel chooses.
        let start = unsafe {
            mmap(
                None,
                bytes,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
                data.fd().as_fd(),
                0,
            )
        }
        .map_err(|errno| failed(errno.into()))?;
        Ok(Self {
            start,
            bytes,
            entry_bytes,
            entries,
        })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is no entry (never: maps have at least one).
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The 64-bit word at a byte offset of an entry.
    ///
    /// # Panics
    /// If the entry or the offset is out of range: both are constants of the layout.
    pub fn word(&self, entry: usize, offset: usize) -> &AtomicU64 {
        assert!(entry < self.entries && offset + 8 <= self.entry_bytes && offset.is_multiple_of(8));
        // SAFETY: in bounds and aligned (checked above, entries are multiples of eight); the memory lives as long as self.
        unsafe { AtomicU64::from_ptr(self.at(entry, offset).cast()) }
    }

    /// The 32-bit word at a byte offset of an entry.
    ///
    /// # Panics
    /// If the entry or the offset is out of range: both are constants of the layout.
    pub fn half_word(&self, entry: usize, offset: usize) -> &AtomicU32 {
        assert!(entry < self.entries && offset + 4 <= self.entry_bytes && offset.is_multiple_of(4));
        // SAFETY: as in `word`.
        unsafe { AtomicU32::from_ptr(self.at(entry, offset).cast()) }
    }

    /// Reads words of an entry in order.
    pub fn read<const WORDS: usize>(&self, entry: usize) -> [u64; WORDS] {
        std::array::from_fn(|word| self.word(entry, word * 8).load(Ordering::Relaxed))
    }

    fn at(&self, entry: usize, offset: usize) -> *mut u8 {
        // SAFETY: the callers checked the bounds.
        unsafe {
            self.start
                .as_ptr()
                .cast::<u8>()
                .add(entry * self.entry_bytes + offset)
        }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length; no reference outlives self.
        let unmapped = unsafe { munmap(self.start, self.bytes.get()) };
        if let Err(error) = unmapped {
            tracing::error!(%error, "cannot unmap a map");
        }
    }
}
