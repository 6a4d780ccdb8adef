//! The numbers of a node: what every number in a pinned map means, kept as long as the maps are.
//!
//! A number is written here before it enters a map, so that an observer that adopts pinned maps
//! after `kill -9` knows what each number in them stands for. The store is a file of JSON lines
//! on a file system that lives as long as bpffs does (`/run`); it survives the process, not the
//! machine, so nothing is forced to a disk.

mod allocate;
mod entry;
mod error;
mod lock;
mod log;

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use allocate::Allocator;
pub use entry::{Entry, Kind, Released};
pub use error::NumbersError;
pub use log::Loaded;

use lock::Lock;
use log::Line;

/// Dead lines that a file may hold before it is written anew.
pub const MAX_DEAD_LINES: usize = 4096;

/// Length of one line, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// For how long a release is remembered, in seconds: the longest rest of any kind.
pub const RELEASE_KEPT_S: u64 = 24 * 3600;

/// The open store. It holds the file's lock until it is dropped. Calls block for as long as a
/// write to the file takes.
#[derive(Debug)]
pub struct Numbers {
    path: PathBuf,
    file: File,
    /// Bytes that are known to be whole lines.
    good_bytes: u64,
    /// Whether part of a line may follow them, because a failed write could not be taken back.
    torn: bool,
    /// The numbers in use, each with the hash of its name: names can be long and many.
    live: HashMap<(Kind, u32), u64>,
    /// Lines that no longer say anything.
    dead_lines: usize,
    /// When so many lines are dead, the file is written anew.
    compact_at: usize,
    _lock: Lock,
}

impl Numbers {
    /// Opens or creates the store at `path`, and says what is in it. `now_unix_s` decides which
    /// releases are old enough to be forgotten.
    ///
    /// A last line without its end is what `kill -9` leaves; it was never acknowledged, so it is
    /// cut off.
    ///
    /// # Errors
    /// When another process has the store open, when the file cannot be read or written, or when
    /// a line is damaged.
    pub fn open(path: &Path, now_unix_s: u64) -> Result<(Self, Loaded), NumbersError> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)
                .map_err(NumbersError::io("create the directory of", path))?;
        }
        let lock = Lock::take(path)?;
        let loaded = log::replay(path)?;
        let mut numbers = Self {
            path: path.to_owned(),
            file: log::open(path, loaded.good_bytes)?,
            good_bytes: loaded.good_bytes,
            torn: false,
            live: HashMap::new(),
            dead_lines: 0,
            compact_at: MAX_DEAD_LINES,
            _lock: lock,
        };
        if loaded.good_bytes == 0 {
            numbers.append(&[Line::header()])?;
        }
        numbers.dead_lines = loaded.dead_lines;
        numbers.live = loaded
            .entries
            .values()
            .map(|entry| (entry.place(), name_hash(entry)))
            .collect();
        numbers.compact_if_due(now_unix_s);
        Ok((numbers, loaded))
    }

    /// Writes an entry down; when this returns, it survives the process.
    ///
    /// Recording what is already there changes nothing but its description.
    ///
    /// # Errors
    /// When the number is in use with another name (see [`Entry::name`]), when the entry is too
    /// long, or when the write fails; the store is then as before.
    pub fn record(&mut self, entry: &Entry) -> Result<(), NumbersError> {
        self.record_all(std::slice::from_ref(entry))
    }

    /// Writes entries down, in one write: all or, on an error, none.
    ///
    /// # Errors
    /// As [`Numbers::record`].
    pub fn record_all(&mut self, entries: &[Entry]) -> Result<(), NumbersError> {
        let mut added: HashMap<(Kind, u32), u64> = HashMap::new();
        let mut replaced = 0;
        for entry in entries {
            let place = entry.place();
            let name = name_hash(entry);
            if let Some(used) = added.get(&place).or_else(|| self.live.get(&place)) {
                if *used != name {
                    return Err(NumbersError::InUse {
                        kind: place.0,
                        number: place.1,
                        wanted: entry.name().unwrap_or_default(),
                    });
                }
                replaced += 1;
            }
            added.insert(place, name);
        }
        let lines: Vec<Line> = entries.iter().cloned().map(Line::Record).collect();
        self.append(&lines)?;
        self.live.extend(added);
        self.dead_lines += replaced;
        Ok(())
    }

    /// Takes a number out of use, `now` after 1970. It must be in no map any more.
    ///
    /// # Errors
    /// When the number is not in use, or when a write fails.
    pub fn release(&mut self, kind: Kind, number: u32, now: Duration) -> Result<(), NumbersError> {
        let place = (kind, number);
        if !self.live.contains_key(&place) {
            return Err(NumbersError::NotInUse {
                kind: place.0,
                number,
            });
        }
        self.append(&[Line::Release(Released {
            kind: place.0.clone(),
            number,
            released_unix_s: now.as_secs(),
            released_nanos: now.subsec_nanos(),
            was: None,
        })])?;
        self.live.remove(&place);
        // The record; the release itself dies when it is forgotten.
        self.dead_lines += 1;
        self.compact_if_due(now.as_secs());
        Ok(())
    }

    /// How many numbers are in use.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether no number is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Appends whole lines; a write that fails half-way is taken back.
    fn append(&mut self, lines: &[Line]) -> Result<(), NumbersError> {
        let mut bytes = Vec::new();
        for line in lines {
            line.write_to(&mut bytes, &self.path)?;
        }
        if self.torn {
            self.take_back()?;
        }
        if let Err(source) = self.file.write_all(&bytes) {
            self.torn = true;
            self.take_back()?;
            return Err(NumbersError::io("append to", &self.path)(source));
        }
        self.good_bytes += bytes.len() as u64;
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), NumbersError> {
        self.file
            .set_len(self.good_bytes)
            .map_err(NumbersError::io("take back a failed write to", &self.path))?;
        self.torn = false;
        Ok(())
    }

    /// Writes the file anew when many of its lines are dead. Should that fail, the old file is
    /// still right, only long, and the next try comes after as many dead lines again.
    fn compact_if_due(&mut self, now_unix_s: u64) {
        if self.dead_lines <= self.compact_at {
            return;
        }
        match self.compact(now_unix_s) {
            Ok(()) => {
                self.dead_lines = 0;
                // At least as many as there are live ones, so that a release costs the same
                // however many there are.
                self.compact_at = MAX_DEAD_LINES.max(self.live.len());
            }
            Err(error) => {
                self.compact_at += self.dead_lines;
                tracing::warn!(path = %self.path.display(), %error, "cannot compact the numbers");
            }
        }
    }

    /// Writes a temporary file that takes the place of the old one: either is whole at any time.
    /// Nothing can fail after that.
    fn compact(&mut self, now_unix_s: u64) -> Result<(), NumbersError> {
        let temporary = self.path.with_extension("new");
        let mut bytes = Vec::new();
        for line in log::replay(&self.path)?.lines_to_keep(now_unix_s) {
            line.write_to(&mut bytes, &temporary)?;
        }
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(NumbersError::io("remove", &temporary)(error));
            }
            _ => {}
        }
        let mut file = log::append_to(&temporary)?;
        file.write_all(&bytes)
            .map_err(NumbersError::io("write", &temporary))?;
        fs::rename(&temporary, &self.path).map_err(NumbersError::io("put in place", &temporary))?;
        self.file = file;
        self.good_bytes = bytes.len() as u64;
        self.torn = false;
        Ok(())
    }
}

fn name_hash(entry: &Entry) -> u64 {
    let mut hasher = DefaultHasher::new();
    entry.name().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
