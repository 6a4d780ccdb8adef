//! The lines of the log.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    /// Which registry it is; stays when the log is written anew.
    pub(super) id: u64,
    /// The revision before the first line.
    pub(super) revision: u64,
}

pub(super) const FORMAT: &str = "tycho registry";
pub(super) const VERSION: u32 = 1;

impl Header {
    pub(super) fn new(id: u64, revision: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            id,
            revision,
        }
    }
}

/// One transaction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) revision: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) put: Vec<Put>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) delete: Vec<String>,
}

/// One key that is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Put {
    pub(super) key: String,
    pub(super) value: Box<RawValue>,
    /// Whose life it shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<Owner>,
    /// When it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) timer: Option<Timer>,
}

/// One life of a node: the node is alive while a process holds its lock, whichever that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) node: String,
    pub(super) life: u64,
}

impl Owner {
    /// This process's life.
    pub(super) fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            life: random(),
        }
    }
}

/// A time on the machine's own clock, which nobody sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timer {
    /// The boot that the time is of.
    pub(super) boot: String,
    pub(super) until_ms: u64,
    /// How long it runs; from its beginning if the machine was booted since.
    pub(super) length_ms: u64,
}

/// A number that nobody else has.
pub(super) fn random() -> u64 {
    // A new hasher has random keys.
    RandomState::new().hash_one(std::process::id())
}
