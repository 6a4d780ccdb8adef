//! Where a demo leaves traces, so that each can be found and removed.

use std::path::PathBuf;

use super::manifests::Files;
use super::node::DemoNode;

/// The paths of a demo.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `/run/tycho`, which a real observer may share.
    pub(super) run: PathBuf,
    /// The directory of the pins of all nodes of the machine.
    pub(super) pins: PathBuf,
}

impl Place {
    /// The one place of this machine.
    pub(super) fn standard() -> Self {
        let node = bpf_loader::Pins::default_directory(&DemoNode::A.name());
        Self {
            run: PathBuf::from(observer::config::DEFAULT_STATE),
            pins: node.parent().map(PathBuf::from).unwrap_or_default(),
        }
    }

    /// The demo's own directory, with its files.
    pub(super) fn files(&self) -> Files {
        Files {
            directory: self.run.join("demo"),
        }
    }

    /// The pins of a node.
    pub(super) fn pins_of(&self, node: DemoNode) -> PathBuf {
        self.pins.join(node.name())
    }

    /// Held as long as a demo runs.
    pub(super) fn lock(&self) -> PathBuf {
        self.run.join("demo.lock")
    }

    /// Where clients look for an observer's socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.run.join("observer.sock")
    }
}
