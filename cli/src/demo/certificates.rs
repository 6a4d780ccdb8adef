//! Certificates for the demo: of a CA of its own, for each node and for the relay.

use std::path::PathBuf;
use std::time::Duration;

use certificates::{Directory, DirectoryError, Leaf, NameError, Validity};

use super::manifests::Files;
use super::node::DemoNode;

const CLUSTER: &str = "default";
const RELAY: &str = "relay";
/// Longer than anybody lets it run.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The files with a certificate, its key, and the CA of those who talk with its owner.
#[derive(Debug, Clone)]
pub(super) struct NodeCertificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) authority: PathBuf,
}

/// They cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// A name cannot be that of a host.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Making or writing failed.
    #[error("cannot make the demo's certificates")]
    Make(#[from] DirectoryError),
}

/// Those of all who serve.
#[derive(Debug, Clone)]
pub(super) struct Certificates {
    directory: Directory,
}

impl Certificates {
    /// Makes them.
    pub(super) fn make(files: &Files) -> Result<Self, CertificateError> {
        let directory = Directory::new(files.certificates());
        let mut leaves = vec![Leaf::relay(RELAY, CLUSTER, &[])?];
        for node in DemoNode::ALL {
            let addresses = node.backbone_addresses();
            let addresses = addresses.map(|address| address.address().to_string());
            leaves.push(Leaf::node(&node.name(), CLUSTER, &addresses)?);
        }
        let validity = Validity::lasting(LIFE);
        directory.make("tycho demo", validity, &leaves, validity, false)?;
        Ok(Self { directory })
    }

    /// That of a node.
    pub(super) fn of_node(&self, node: DemoNode) -> NodeCertificate {
        self.of(&format!("node-{}", node.name()))
    }

    /// That of the relay.
    pub(super) fn of_relay(&self) -> NodeCertificate {
        self.of(&format!("relay-{RELAY}"))
    }

    fn of(&self, file: &str) -> NodeCertificate {
        NodeCertificate {
            certificate: self.directory.certificate(file),
            key: self.directory.key(file),
            authority: self.directory.authority(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifests::Files;
    use super::super::node::DemoNode;
    use super::Certificates;

    #[test]
    fn every_file_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files {
            directory: directory.path().to_owned(),
        };
        let certificates = Certificates::make(&files).unwrap();
        let nodes = DemoNode::ALL.map(|node| certificates.of_node(node));
        for files in nodes.into_iter().chain([certificates.of_relay()]) {
            for path in [&files.certificate, &files.key, &files.authority] {
                assert!(path.is_file(), "{}", path.display());
            }
        }
    }
}
