//! Where a demo leaves traces, so that each can be found and removed.

use std::path::PathBuf;

use super::manifests::Files;

/// The node of the demo. No real node is called so: its pins and sockets are never touched.
pub(super) const NODE: &str = "demo-node-a";

/// The paths of a demo.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `/run/tycho`, which a real observer may share.
    pub(super) run: PathBuf,
    /// The pins of the demo's node.
    pub(super) pins: PathBuf,
}

impl Place {
    /// The one place of this machine.
    pub(super) fn standard() -> Self {
        Self {
            run: PathBuf::from(observer::config::DEFAULT_STATE),
            pins: bpf_loader::Pins::default_directory(NODE),
        }
    }

    /// The demo's own directory, with its files.
    pub(super) fn files(&self) -> Files {
        Files {
            directory: self.run.join("demo"),
        }
    }

    /// Held as long as a demo runs.
    pub(super) fn lock(&self) -> PathBuf {
        self.run.join("demo.lock")
    }

    /// Where clients look for a server's socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.run.join("observer.sock")
    }
}
