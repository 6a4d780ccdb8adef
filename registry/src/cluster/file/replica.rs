//! What the log says, as far as it was read, and what of it was not told yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::super::store::{
    BackendError, Event, Guard, KeyChange, Lifetime, Outcome, Stored, Transaction, Write,
};
use super::boot::Boot;
use super::entries::{Entries, text};
use super::line::{self, FORMAT, Header, Line, Owner, Put, Timer, VERSION};

/// Changes that wait to be told; beyond that everything is told anew.
const MAX_UNTOLD: usize = 65_536;

/// Writes in the log that nothing is left of, before it is written anew.
const MAX_DEAD: usize = 4096;

/// Keys in a line of a log that is written anew.
const KEYS_PER_LINE: usize = 256;

/// The log's content.
#[derive(Debug)]
pub(super) struct Replica {
    path: PathBuf,
    owner: Option<Owner>,
    boot: Boot,
    log: Option<Entries>,
    /// Which registry was read.
    id: Option<u64>,
    revision: u64,
    keys: BTreeMap<String, Put>,
    /// Keys that go by themselves.
    timed: BTreeSet<String>,
    /// Writes in the log.
    writes: usize,
    untold: Vec<KeyChange>,
    all_untold: bool,
}

impl Replica {
    /// Of the registry in `directory`; nothing is read yet.
    pub(super) fn new(directory: &Path, owner: Option<Owner>, boot: Boot) -> Self {
        Self {
            path: Entries::place(directory),
            owner,
            boot,
            log: None,
            id: None,
            revision: 0,
            keys: BTreeMap::new(),
            timed: BTreeSet::new(),
            writes: 0,
            untold: Vec::new(),
            all_untold: true,
        }
    }

    /// Makes an empty log whose revisions come after `revision`, if there is none. The lock must be held.
    pub(super) fn create_if_missing(&self, revision: u64) -> Result<(), BackendError> {
        if self.path.exists() {
            return Ok(());
        }
        let header = Header::new(line::random(), revision);
        Entries::replace(&self.path, &header, std::iter::empty())
    }

    /// Which registry was read, if one was.
    pub(super) fn id(&self) -> Option<String> {
        self.id.map(|id| format!("{id:016x}"))
    }

    /// Everything is to be told again.
    pub(super) fn begin_anew(&mut self) {
        self.untold.clear();
        self.all_untold = true;
    }

    /// What was not told yet.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        let revision = self.revision;
        if std::mem::take(&mut self.all_untold) {
            self.untold.clear();
            let keys = self.keys.values().map(|put| self.stored(put)).collect();
            return Some(Event::All { revision, keys });
        }
        let changes = std::mem::take(&mut self.untold);
        (!changes.is_empty()).then_some(Event::Changes { revision, changes })
    }

    /// Reads what was written since. Says whether it is the registry that was read before.
    pub(super) fn catch_up(&mut self) -> Result<bool, BackendError> {
        let before = self.id;
        let mut log = match self.log.take() {
            Some(log) if log.is_in_place()? => log,
            _ => {
                self.keys.clear();
                self.timed.clear();
                self.writes = 0;
                self.revision = 0;
                self.begin_anew();
                Entries::open(&self.path)?
            }
        };
        let read = log.read(|log, line| self.take_line(log, line));
        self.log = Some(log);
        read.map(|()| before == self.id)
    }

    /// Carries a transaction out. The lock must be held, and everything read.
    pub(super) fn transact(&mut self, transaction: &Transaction) -> Result<Outcome, BackendError> {
        if !transaction.guards.iter().all(|guard| self.holds(guard)) {
            let value = |key: &String| {
                let put = self.keys.get(key)?;
                Some(put.value.get().as_bytes().to_vec())
            };
            return Ok(Outcome {
                done: false,
                revision: self.revision,
                read: transaction.otherwise_read.iter().map(value).collect(),
                deleted: 0,
            });
        }
        let mut line = Line::default();
        for write in &transaction.writes {
            match write {
                Write::Delete(key) if self.keys.contains_key(key) => {
                    line.delete.push(key.clone());
                }
                Write::Delete(_) => {}
                Write::Put {
                    key,
                    value,
                    lifetime,
                } => line.put.push(self.put(key, value, *lifetime)?),
            }
        }
        let deleted = line.delete.len() as u64;
        self.append(line)?;
        Ok(Outcome {
            done: true,
            revision: self.revision,
            read: Vec::new(),
            deleted,
        })
    }

    /// Deletes what has run out. The lock must be held, and everything read.
    pub(super) fn drop_expired(&mut self) -> Result<(), BackendError> {
        let mut line = Line::default();
        for key in &self.timed {
            let Some(put) = self.keys.get(key) else {
                continue;
            };
            let mut timer = put.timer.clone();
            let ended = timer
                .as_mut()
                .is_some_and(|timer| self.boot.has_ended(timer));
            if ended {
                line.delete.push(key.clone());
            } else if timer != put.timer {
                // It began anew with the machine.
                line.put.push(Put {
                    timer,
                    ..put.clone()
                });
            }
        }
        self.append(line)
    }

    /// The nodes that keys belong to, without this process's.
    pub(super) fn owners(&self) -> BTreeSet<String> {
        let owners = self.keys.values().filter_map(|put| put.owner.as_ref());
        let this = self.owner.as_ref().map(|owner| owner.node.as_str());
        let others = owners.filter(|owner| Some(owner.node.as_str()) != this);
        others.map(|owner| owner.node.clone()).collect()
    }

    /// Deletes what belongs to a node. The lock must be held, and everything read.
    pub(super) fn drop_node(&mut self, node: &str) -> Result<(), BackendError> {
        let of_node = |put: &&Put| put.owner.as_ref().is_some_and(|owner| owner.node == node);
        let delete = self.keys.values().filter(of_node);
        self.append(Line {
            delete: delete.map(|put| put.key.clone()).collect(),
            ..Line::default()
        })
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Absent(key) => !self.keys.contains_key(key),
            Guard::Present(key) => self.keys.contains_key(key),
            Guard::AbsentBelow(prefix) => !self
                .keys
                .range(prefix.clone()..)
                .next()
                .is_some_and(|(key, _)| key.starts_with(prefix)),
            Guard::Equals(key, value) => self
                .keys
                .get(key)
                .is_some_and(|put| put.value.get().as_bytes() == value),
        }
    }

    fn put(&self, key: &str, value: &[u8], lifetime: Lifetime) -> Result<Put, BackendError> {
        let value = String::from_utf8_lossy(value).into_owned();
        let (owner, timer) = match lifetime {
            Lifetime::Permanent => (None, None),
            Lifetime::Node => {
                let none = BackendError::NoNode {
                    step: "write what lives with a node",
                };
                (Some(self.owner.clone().ok_or(none)?), None)
            }
            Lifetime::Timer(length) => {
                let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
                (None, Some(self.boot.timer(length_ms)))
            }
        };
        Ok(Put {
            key: key.to_owned(),
            value: RawValue::from_string(value).expect("values are JSON"),
            owner,
            timer,
        })
    }

    /// Appends a transaction, unless it changes nothing.
    fn append(&mut self, mut line: Line) -> Result<(), BackendError> {
        if line.put.is_empty() && line.delete.is_empty() {
            return Ok(());
        }
        line.revision = self.revision + 1;
        // What goes with its node need not outlive the machine.
        let lasts = |put: &Put| put.owner.is_none() && put.timer.is_none();
        let deleted = line.delete.iter().filter_map(|key| self.keys.get(key));
        let sync = line.put.iter().chain(deleted).any(lasts);
        let Some(log) = &mut self.log else {
            return Err(BackendError::Moved {
                path: self.path.clone(),
            });
        };
        log.append(&text(&line), sync)?;
        self.apply(line);
        if self.writes > self.keys.len() * 2 + MAX_DEAD {
            self.compact();
        }
        Ok(())
    }

    /// Writes the log anew, without what nothing is left of. Should that fail, the old one is still right.
    pub(super) fn compact(&mut self) {
        self.writes = self.keys.len();
        let revision = self.revision;
        let puts: Vec<&Put> = self.keys.values().collect();
        let lines = puts.chunks(KEYS_PER_LINE).map(|some| {
            text(&Line {
                revision,
                put: some.iter().map(|put| (*put).clone()).collect(),
                delete: Vec::new(),
            })
        });
        let header = Header::new(self.id.unwrap_or_default(), revision);
        let replaced = Entries::replace(&self.path, &header, lines).and_then(|()| {
            let mut log = Entries::open(&self.path)?;
            // What is in it is known.
            log.read(|_, _| Ok(()))?;
            Ok(log)
        });
        match replaced {
            Ok(log) => self.log = Some(log),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the registry's log stays long");
            }
        }
    }

    fn take_line(&mut self, log: &Entries, line: &[u8]) -> Result<(), BackendError> {
        if log.lines() == 1 {
            return self.take_header(log, line);
        }
        let line: Line =
            serde_json::from_slice(line).map_err(|error| log.damaged(error.to_string()))?;
        if line.revision < self.revision {
            return Err(log.damaged(format!(
                "revision {} comes after {}",
                line.revision, self.revision
            )));
        }
        self.apply(line);
        Ok(())
    }

    fn take_header(&mut self, log: &Entries, line: &[u8]) -> Result<(), BackendError> {
        let header: Header =
            serde_json::from_slice(line).map_err(|error| log.damaged(error.to_string()))?;
        if header.format != FORMAT || header.version != VERSION {
            return Err(log.damaged(format!(
                "it is {:?}, version {}; this Tycho reads {FORMAT:?}, version {VERSION}",
                header.format, header.version
            )));
        }
        self.id = Some(header.id);
        self.revision = header.revision;
        Ok(())
    }

    fn apply(&mut self, line: Line) {
        self.revision = line.revision;
        self.writes += line.put.len() + line.delete.len();
        let telling = !self.all_untold;
        for put in line.put {
            if telling {
                self.untold.push(KeyChange::Put(self.stored(&put)));
            }
            match put.timer {
                Some(Timer { .. }) => self.timed.insert(put.key.clone()),
                None => self.timed.remove(&put.key),
            };
            self.keys.insert(put.key.clone(), put);
        }
        for key in line.delete {
            self.timed.remove(&key);
            self.keys.remove(&key);
            if telling {
                self.untold.push(KeyChange::Delete(key));
            }
        }
        if self.untold.len() > MAX_UNTOLD {
            self.begin_anew();
        }
    }

    fn stored(&self, put: &Put) -> Stored {
        Stored {
            key: put.key.clone(),
            value: put.value.get().as_bytes().to_vec(),
            own: put.owner.is_some() && put.owner == self.owner,
        }
    }
}
