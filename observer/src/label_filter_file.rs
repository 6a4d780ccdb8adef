//! A file of label patterns: which labels make an identity, one pattern per line.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use policy::{LabelFilter, LabelFilterError};
use registry::watch::Source;

/// Size of a file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a file of patterns is not used.
#[derive(Debug, thiserror::Error)]
pub enum LabelFilterFileError {
    /// It cannot be read.
    #[error("cannot read the label filter {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is too large.
    #[error("the label filter {} is larger than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line is no pattern.
    #[error("{}:{line}", path.display())]
    Pattern {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: LabelFilterError,
    },
}

/// Reads a file of patterns.
///
/// # Errors
/// When it cannot be read, or a line is no pattern.
pub(crate) fn read(path: &Path) -> Result<LabelFilter, LabelFilterFileError> {
    let failed = |source| LabelFilterFileError::Read {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
        .map_err(failed)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(LabelFilterFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    parse(path, &text)
}

/// Says in the log that a filter is in use.
pub(crate) fn tell(filter: &LabelFilter) {
    let patterns = filter.pattern_count();
    tracing::info!(patterns, "the label filter is in use");
}

/// Empty lines and what follows a `#` are left out.
fn parse(path: &Path, text: &str) -> Result<LabelFilter, LabelFilterFileError> {
    let mut patterns = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let pattern = line.split('#').next().unwrap_or_default().trim();
        if pattern.is_empty() {
            continue;
        }
        LabelFilter::new([pattern]).map_err(|source| LabelFilterFileError::Pattern {
            path: path.to_owned(),
            line: index + 1,
            source,
        })?;
        patterns.push(pattern);
    }
    Ok(LabelFilter::new(patterns).expect("each pattern was parsed before"))
}

/// The file as a [`Source`] to watch.
#[derive(Clone, Debug)]
pub(crate) struct LabelFilterSource {
    path: PathBuf,
}

impl LabelFilterSource {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Source for LabelFilterSource {
    type State = LabelFilter;
    type Error = LabelFilterFileError;

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn load(&self) -> Result<LabelFilter, LabelFilterFileError> {
        read(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pattern_per_line_and_errors_name_the_line() {
        let parsed = |text: &str| parse(Path::new("labels"), text);
        let filter = parsed("# which labels count\n!app-*  # but not these\n\nk8s:app*\n").unwrap();
        assert_eq!(filter, LabelFilter::new(["!app-*", "k8s:app*"]).unwrap());
        assert_eq!(parsed("").unwrap(), LabelFilter::new([""; 0]).unwrap());
        let error = parsed("k8s:app\n\na*b\n").unwrap_err();
        assert_eq!(error.to_string(), "labels:3");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("a*b"), "{cause}");
        assert!(read(Path::new("/no/such/file")).is_err());
    }
}
