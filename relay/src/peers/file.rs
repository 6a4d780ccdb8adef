//! A file of peers: one in each line, followed while the relay runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use daemon::causes::in_full;
use daemon::tasks::Tasks;
use registry::watch::{Snapshot, Source, Timing, watch};
use tokio::sync::watch::Sender;

use super::Board;
use super::spec::{Origin, PeerSpec};
use crate::config::{NamedAddress, PeerParseError};

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Why the file of peers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PeersFileError {
    /// It cannot be read.
    #[error("cannot read the peers of {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no list of peers.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes; is it a list of peers?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line names no peer.
    #[error("{}:{line}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: PeerParseError,
    },
}

/// The file, for the watcher.
#[derive(Clone, Debug)]
struct PeersFile(PathBuf);

impl Source for PeersFile {
    type State = Vec<PeerSpec>;
    type Error = PeersFileError;

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }

    fn load(&self) -> Result<Vec<PeerSpec>, PeersFileError> {
        let path = &self.0;
        let failed = |source| PeersFileError::Read {
            path: path.clone(),
            source,
        };
        if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
            return Err(PeersFileError::TooLarge { path: path.clone() });
        }
        parse(path, &std::fs::read_to_string(path).map_err(failed)?)
    }
}

/// Reads the file, which must be good at the start, and follows it; a bad version is told, and the last good one stays.
pub(super) fn follow(
    path: &Path,
    board: &Arc<Board>,
    tasks: &Tasks,
) -> Result<super::Specs, PeersFileError> {
    let source = PeersFile(path.to_owned());
    let first = source.load()?;
    let (sender, specs) = tokio::sync::watch::channel(first);
    let (states, work) = watch(source, Timing::default(), tasks.cancellation());
    tasks.spawn("follow the file of peers", work);
    let taking = take(states, sender, Arc::clone(board));
    tasks.spawn("take the file of peers", taking);
    Ok(specs)
}

async fn take(
    mut states: tokio::sync::watch::Receiver<Snapshot<PeersFile>>,
    sender: Sender<Vec<PeerSpec>>,
    board: Arc<Board>,
) {
    while states.changed().await.is_ok() {
        let Snapshot { good, problem, .. } = states.borrow_and_update().clone();
        let problem = problem.map(|error| {
            let cause = in_full(&*error);
            tracing::error!(
                cause,
                "the new list of peers is not used, the last one stays"
            );
            format!("the new list of peers is not used, the last one stays: {cause}")
        });
        if let Some(specs) = good.filter(|_| problem.is_none()) {
            sender.send_replace(Vec::clone(&specs));
        }
        board.set_problem(Origin::File, problem);
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<PeerSpec>, PeersFileError> {
    let mut specs = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        let peer: NamedAddress = content.parse().map_err(|source| PeersFileError::Line {
            path: path.to_owned(),
            line,
            source,
        })?;
        specs.push(PeerSpec::named(&peer, Origin::File));
    }
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let path = Path::new("peers");
        let text = "# nodes\n\na=10.0.0.1:4244  # the first\n tls://b.example:4244\n";
        let specs = parse(path, text).unwrap();
        let shown: Vec<(&str, bool)> = specs
            .iter()
            .map(|spec| (spec.name.as_str(), spec.tls))
            .collect();
        assert_eq!(
            shown,
            [("default/a", false), ("tls://b.example:4244", true)]
        );
        let error = parse(path, "a=b:1\nnonsense\n").unwrap_err();
        assert_eq!(error.to_string(), "peers:2");
    }
}
