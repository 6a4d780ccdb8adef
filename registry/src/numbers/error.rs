//! What can go wrong with the store of numbers.

use std::io;
use std::path::{Path, PathBuf};

use super::{Kind, MAX_LINE_BYTES};

/// Why the store cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum NumbersError {
    /// Another process has it open.
    #[error(
        "the numbers of this node, {}, are held by {}: one observer runs per node; stop it, or give this one another `node` name",
        path.display(),
        holder(*pid)
    )]
    Held {
        /// The store.
        path: PathBuf,
        /// The process, if it has written its number.
        pid: Option<u32>,
    },
    /// A step failed.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was tried.
        step: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A line is damaged, and is not the last.
    #[error(
        "{}:{line}: {reason}: the pinned maps cannot be read without it; to start anew, remove the node's pins in \
         bpffs and this file (enforcement stops until the observer has started)",
        path.display()
    )]
    Damaged {
        /// The store.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The number stands for something else.
    #[error(
        "{kind} {number} stands for something else, so it cannot be recorded for `{wanted}` before it is released"
    )]
    InUse {
        /// The kind.
        kind: Kind,
        /// The number.
        number: u32,
        /// What it should have been recorded for.
        wanted: String,
    },
    /// The number is not in use.
    #[error("{kind} {number} is not in use, so it cannot be released")]
    NotInUse {
        /// The kind.
        kind: Kind,
        /// The number.
        number: u32,
    },
    /// The entry is too long for a line.
    #[error("an entry of {bytes} bytes is too long for {}: at most {MAX_LINE_BYTES}", path.display())]
    TooLong {
        /// The store.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
}

impl NumbersError {
    /// Attaches the step and the file to an error.
    pub(super) fn io(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { step, path, source }
    }
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}
