//! Removes everything a demo left on the machine, and says what it was.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use lab::NamespaceError;

use super::leftovers;
use super::node::DemoNode;
use super::place::Place;
use super::topology::NAMESPACE_PREFIX;

/// What was removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) processes: Vec<String>,
    pub(super) namespaces: Vec<String>,
    pub(super) paths: Vec<PathBuf>,
}

/// A trace that cannot be removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    /// The namespaces stay.
    #[error("cannot remove the demo's namespaces")]
    Namespaces(#[source] NamespaceError),
    /// A file or directory stays.
    #[error("cannot remove {}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pins stay.
    #[error("cannot take the demo's eBPF programs off")]
    Pins(#[source] bpf_loader::LoaderError),
}

/// Removes all that is there. Call it with the demo's lock held.
pub(super) fn remove(place: &Place) -> Result<Removed, TraceError> {
    // While their namespaces have names.
    let processes = leftovers::end(NAMESPACE_PREFIX, &place.files().directory);
    let namespaces = lab::sweep(NAMESPACE_PREFIX).map_err(TraceError::Namespaces)?;
    let removed = paths(place)?;
    Ok(Removed {
        processes,
        namespaces,
        ..removed
    })
}

fn paths(place: &Place) -> Result<Removed, TraceError> {
    let mut removed = Removed::default();
    for pins in DemoNode::ALL.map(|node| place.pins_of(node)) {
        if pins.exists() {
            bpf_loader::Pins::at(&pins)
                .remove()
                .map_err(TraceError::Pins)?;
            removed.paths.push(pins);
        }
    }
    remove_if_empty(Some(&place.pins));
    let files = place.files().directory;
    if files.exists() {
        // Of a demo that was killed. A socket that answers belongs to a living observer.
        let socket = place.socket();
        if is_dead_socket(&socket) {
            fs::remove_file(&socket).map_err(failed(&socket))?;
            removed.paths.push(socket);
        }
        fs::remove_dir_all(&files).map_err(failed(&files))?;
        removed.paths.push(files);
    }
    Ok(removed)
}

/// Removes a directory that others may use, once nobody does.
pub(super) fn remove_if_empty(directory: Option<&Path>) {
    if let Some(directory) = directory {
        // Not empty is what it may well be.
        fs::remove_dir(directory).ok();
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> TraceError {
    move |source| TraceError::Path {
        path: path.to_owned(),
        source,
    }
}

fn is_dead_socket(path: &Path) -> bool {
    UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

impl Removed {
    pub(super) fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.namespaces.is_empty() && self.paths.is_empty()
    }
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.processes.clone();
        if !self.namespaces.is_empty() {
            let count = self.namespaces.len();
            parts.push(format!("{count} namespaces ({NAMESPACE_PREFIX}*)"));
        }
        parts.extend(self.paths.iter().map(|path| path.display().to_string()));
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::super::node::DemoNode;
    use super::super::place::Place;
    use super::{Removed, paths};

    fn place(directory: &tempfile::TempDir) -> Place {
        Place {
            run: directory.path().join("run"),
            pins: directory.path().join("bpf/tycho"),
        }
    }

    #[test]
    fn traces_of_a_killed_demo_go_and_others_stay() {
        for alive in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let place = place(&directory);
            place.files().write().unwrap();
            let pins = [DemoNode::A, DemoNode::C].map(|node| place.pins_of(node));
            for pins in &pins {
                std::fs::create_dir_all(pins.join("v1/maps")).unwrap();
            }
            let other = place.pins.join("node-b");
            std::fs::create_dir_all(&other).unwrap();
            let listener = UnixListener::bind(place.socket()).unwrap();
            let listener = alive.then_some(listener);

            let removed = paths(&place).unwrap();
            let mut expect = pins.to_vec();
            expect.extend((!alive).then(|| place.socket()));
            expect.push(place.files().directory);
            assert_eq!(removed.paths, expect);
            assert!(expect.iter().all(|path| !path.exists()));
            assert!(other.exists());
            assert_eq!(place.socket().exists(), alive);
            assert!(paths(&place).unwrap().is_empty(), "a second time");
            drop(listener);
        }
    }

    #[test]
    fn what_was_removed_is_named() {
        let removed = Removed {
            processes: vec!["process 7 (etcd)".to_owned()],
            namespaces: vec!["tycho-demo-db".to_owned(), "tycho-demo-batch".to_owned()],
            paths: vec!["/run/tycho/demo".into()],
        };
        assert_eq!(
            removed.to_string(),
            "process 7 (etcd), 2 namespaces (tycho-demo-*), /run/tycho/demo"
        );
    }
}
