//! What can be wrong with an endpoint file, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::MAX_FILE_BYTES;

/// Problems printed at most; the rest is counted.
const SHOWN: usize = 20;

/// Why an endpoint file is not used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointFileError {
    /// It cannot be read.
    #[error("cannot read the endpoint file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is larger than [`MAX_FILE_BYTES`].
    #[error("the endpoint file {} is larger than {MAX_FILE_BYTES} bytes: split the node's endpoints, or check that it is the right file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It says something that is not valid.
    #[error("{}", List { path, problems })]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that was found, by line.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1; 0 when the parser knows none.
    pub line: u64,
    /// The field, such as `endpoints[2].ips[0]`; empty for the whole document.
    pub field: String,
    /// What is wrong, and with which value.
    pub message: String,
    /// What to do, where that is not plain from the message.
    pub next_step: Option<String>,
}

impl Problem {
    pub(super) fn new(line: u64, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            line,
            field: on_one_line(field.into()),
            message: on_one_line(message.into()),
            next_step: None,
        }
    }

    pub(super) fn next(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }
}

/// The file's own words may hold line ends and what steers a terminal: these are shown as escapes.
fn on_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Everything after the file name.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        f.write_str(" ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        match &self.next_step {
            Some(next_step) => write!(f, " ({next_step})"),
            None => Ok(()),
        }
    }
}

/// One line per problem, each beginning with `file:line:`.
struct List<'a> {
    path: &'a Path,
    problems: &'a [Problem],
}

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{problem}", self.path.display())?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more", self.path.display()),
        }
    }
}
