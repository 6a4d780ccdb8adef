//! The numbers of one kind, by what they stand for: given once, and freed when nothing has them any more.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use registry::numbers::{Allocator, Entry, Kind, Loaded, Numbers};

use super::book::now_unix_s;
use super::error::BookError;
use crate::pipeline::wall_ns;

/// The numbers of one kind.
#[derive(Debug)]
pub(super) struct Series {
    kind: Kind,
    allocator: Allocator,
    by_name: HashMap<Arc<str>, u32>,
    names: HashMap<u32, Arc<str>>,
}

impl Series {
    /// As the store has left it; `name` tells what an entry stands for.
    pub(super) fn resume(
        kind: Kind,
        range: RangeInclusive<u32>,
        rest: Duration,
        loaded: &Loaded,
        name: impl Fn(&Entry) -> Option<String>,
    ) -> Self {
        let allocator = Allocator::resume(range, rest, loaded, &kind, now_unix_s());
        let entries = loaded.entries_of(&kind);
        let mut series = Self {
            allocator,
            by_name: HashMap::new(),
            names: HashMap::new(),
            kind: kind.clone(),
        };
        for entry in entries {
            if let Some(name) = name(entry) {
                series.put(entry.number(), name.into());
            }
        }
        series
    }

    /// For how long a freed number is not given again.
    pub(super) fn set_rest(&mut self, rest: Duration) {
        self.allocator.set_rest(rest);
    }

    /// The number of a name; a new one is written down before anybody hears of it.
    pub(super) fn number(
        &mut self,
        name: &str,
        numbers: &mut Numbers,
        entry: impl FnOnce(u32) -> Entry,
    ) -> Result<u32, BookError> {
        if let Some(&number) = self.by_name.get(name) {
            return Ok(number);
        }
        let now = now_unix_s();
        let number = self.allocator.allocate(now);
        let number = number.ok_or_else(|| BookError::Exhausted {
            kind: self.kind.clone(),
            in_use: self.allocator.used(),
            resting: self.allocator.resting(),
        })?;
        if let Err(error) = numbers.record(&entry(number)) {
            self.allocator.release(number, now);
            return Err(error.into());
        }
        self.put(number, name.into());
        Ok(number)
    }

    /// Takes a number that somebody else has given; it is written down before anybody hears of it. A name may have several.
    pub(super) fn take(
        &mut self,
        name: &str,
        numbers: &mut Numbers,
        entry: &Entry,
    ) -> Result<(), BookError> {
        numbers.record(entry)?;
        self.allocator.claim(entry.number());
        self.put(entry.number(), name.into());
        Ok(())
    }

    /// Frees a number: it rests, and may then stand for something else.
    pub(super) fn free(&mut self, number: u32, numbers: &mut Numbers) -> Result<(), BookError> {
        let Some(name) = self.names.get(&number) else {
            return Ok(());
        };
        let now = Duration::from_nanos(wall_ns());
        numbers.release(self.kind.clone(), number, now)?;
        if self.by_name.get(name) == Some(&number) {
            self.by_name.remove(name);
        }
        self.names.remove(&number);
        self.allocator.release(number, now.as_secs());
        Ok(())
    }

    /// The numbers in use, and what they stand for.
    pub(super) fn in_use(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names.iter().map(|(number, name)| (*number, &**name))
    }

    fn put(&mut self, number: u32, name: Arc<str>) {
        self.names.insert(number, Arc::clone(&name));
        self.by_name.insert(name, number);
    }
}
