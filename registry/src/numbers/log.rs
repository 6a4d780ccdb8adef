//! The file of the numbers: one JSON object a line, replayed from the start.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Entry, Kind, MAX_LINE_BYTES, NumbersError, RELEASE_KEPT_S, Released};

/// The version of this format.
const FORMAT: u32 = 1;

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line: the format.
    TychoNumbers(u32),
    /// A number is in use from here on.
    Record(Entry),
    /// A number is free from here on.
    Release(Released),
    /// The last number given of a kind, when its own line is gone.
    Last(Kind, u32),
}

impl Line {
    pub(super) fn header() -> Self {
        Self::TychoNumbers(FORMAT)
    }

    /// Appends the line and its end.
    pub(super) fn write_to(&self, bytes: &mut Vec<u8>, path: &Path) -> Result<(), NumbersError> {
        let start = bytes.len();
        serde_json::to_writer(&mut *bytes, self)
            .map_err(|error| NumbersError::io("encode a line of", path)(error.into()))?;
        bytes.push(b'\n');
        let length = bytes.len() - start;
        if length > MAX_LINE_BYTES {
            return Err(NumbersError::TooLong {
                path: path.to_owned(),
                bytes: length,
            });
        }
        Ok(())
    }
}

/// What a store says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The numbers in use.
    pub entries: BTreeMap<(Kind, u32), Entry>,
    /// The numbers that were released and not given again since, oldest first per kind.
    pub released: Vec<Released>,
    /// The number that each kind gave last, from which round robin goes on.
    pub last: BTreeMap<Kind, u32>,
    /// Bytes of a torn last line that were cut off.
    pub torn_bytes: u64,
    pub(super) good_bytes: u64,
    pub(super) dead_lines: usize,
}

impl Loaded {
    /// The numbers in use of one kind, ascending.
    pub fn entries_of(&self, kind: &Kind) -> impl Iterator<Item = &Entry> {
        let from = (kind.clone(), 0);
        let to = (kind.clone(), u32::MAX);
        self.entries.range(from..=to).map(|(_, entry)| entry)
    }

    /// The lines that say the same, without what is dead or forgotten.
    pub(super) fn lines_to_keep(self, now_unix_s: u64) -> impl Iterator<Item = Line> {
        let forgotten = move |released: &Released| {
            now_unix_s.saturating_sub(released.released_unix_s) >= RELEASE_KEPT_S
        };
        let last = self
            .last
            .into_iter()
            .map(|(kind, number)| Line::Last(kind, number));
        let released = self
            .released
            .into_iter()
            .filter(move |released| !forgotten(released));
        std::iter::once(Line::header())
            .chain(self.entries.into_values().map(Line::Record))
            .chain(released.map(Line::Release))
            .chain(last)
    }

    /// Takes one line in; the reason if it does not fit.
    fn take(
        &mut self,
        line: Line,
        released: &mut BTreeMap<(Kind, u32), (usize, Released)>,
        at: usize,
    ) -> Result<(), String> {
        match line {
            Line::TychoNumbers(FORMAT) if at == 1 => {}
            Line::TychoNumbers(format) if at == 1 => {
                return Err(format!("format {format} is of another version of Tycho"));
            }
            _ if at == 1 => return Err("the first line names no format".to_owned()),
            Line::TychoNumbers(_) => return Err("a second first line".to_owned()),
            Line::Record(entry) => {
                let place = entry.place();
                self.last.insert(place.0.clone(), place.1);
                self.dead_lines += usize::from(released.remove(&place).is_some());
                self.dead_lines += usize::from(self.entries.insert(place, entry).is_some());
            }
            Line::Release(mut release) => {
                let place = (release.kind.clone(), release.number);
                let entry = self.entries.remove(&place);
                self.dead_lines += usize::from(entry.is_some());
                let told = entry.filter(|_| matches!(place.0, Kind::Identity | Kind::Prefix));
                release.was = release.was.or_else(|| told.map(Box::new));
                self.dead_lines += usize::from(released.insert(place, (at, release)).is_some());
            }
            Line::Last(kind, number) => {
                self.dead_lines += usize::from(self.last.insert(kind, number).is_some());
            }
        }
        Ok(())
    }
}

/// Reads the file from its start; a missing one is empty.
pub(super) fn replay(path: &Path) -> Result<Loaded, NumbersError> {
    let mut loaded = Loaded::default();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(loaded),
        Err(error) => return Err(NumbersError::io("open", path)(error)),
    };
    let mut reader = BufReader::new(file);
    let mut released = BTreeMap::new();
    let mut bytes = Vec::new();
    for at in 1.. {
        bytes.clear();
        let length = (&mut reader)
            .take(MAX_LINE_BYTES as u64)
            .read_until(b'\n', &mut bytes)
            .map_err(NumbersError::io("read", path))?;
        let damaged = |reason| NumbersError::Damaged {
            path: path.to_owned(),
            line: at,
            reason,
        };
        if bytes.last() != Some(&b'\n') {
            if length == MAX_LINE_BYTES {
                return Err(damaged("the line is too long".to_owned()));
            }
            loaded.torn_bytes = length as u64;
            break;
        }
        let line = serde_json::from_slice(&bytes)
            .map_err(|error| damaged(format!("no line of numbers ({error})")))?;
        loaded.take(line, &mut released, at).map_err(damaged)?;
        loaded.good_bytes += length as u64;
    }
    let mut in_order: Vec<_> = released.into_values().collect();
    in_order.sort_by_key(|(at, _)| *at);
    loaded.released = in_order.into_iter().map(|(_, release)| release).collect();
    Ok(loaded)
}

/// Opens the file to append, without what follows its whole lines.
pub(super) fn open(path: &Path, good_bytes: u64) -> Result<File, NumbersError> {
    let file = append_to(path)?;
    file.set_len(good_bytes)
        .map_err(NumbersError::io("cut", path))?;
    Ok(file)
}

/// Opens or creates a file; each write goes to its end.
pub(super) fn append_to(path: &Path) -> Result<File, NumbersError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(NumbersError::io("open", path))
}
