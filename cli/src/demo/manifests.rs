//! The demo's endpoint files and policies: part of the binary, written where the observers read them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use registry::endpoint_file::{self, EndpointFile, EndpointFileError};

use super::node::DemoNode;

/// The endpoint files, in the order of the nodes.
const ENDPOINTS: [&str; 3] = [
    include_str!("manifests/node-a.yaml"),
    include_str!("manifests/node-b.yaml"),
    include_str!("manifests/node-c.yaml"),
];

/// The policies by file name. The first line of each says in words what it does.
pub(super) const POLICIES: [(&str, &str); 3] = [
    ("backend.yaml", include_str!("manifests/backend.yaml")),
    ("batch.yaml", include_str!("manifests/batch.yaml")),
    ("db.yaml", include_str!("manifests/db.yaml")),
];

/// Where the files of a demo lie.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// Everything the demo writes.
    pub(super) directory: PathBuf,
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub(crate) struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl Files {
    /// What belongs to a node: each could be a machine of its own.
    pub(super) fn of_node(&self, node: DemoNode) -> PathBuf {
        self.directory.join(format!("node-{node}"))
    }

    pub(super) fn endpoints(&self, node: DemoNode) -> PathBuf {
        self.of_node(node).join("endpoints.yaml")
    }

    /// The socket of a node's observer.
    pub(super) fn observer_socket(&self, node: DemoNode) -> PathBuf {
        self.of_node(node).join("observer.sock")
    }

    /// The relay's socket.
    pub(super) fn relay_socket(&self) -> PathBuf {
        self.directory.join("relay.sock")
    }

    /// Certificates and keys.
    pub(super) fn certificates(&self) -> PathBuf {
        self.directory.join("tls")
    }

    /// The registry, unless etcd is it.
    pub(super) fn registry(&self) -> PathBuf {
        self.directory.join("registry")
    }

    /// The data of etcd.
    pub(super) fn etcd(&self) -> PathBuf {
        self.directory.join("etcd")
    }

    /// Where a running demo takes orders; for root only.
    pub(super) fn orders(&self) -> PathBuf {
        self.directory.join("orders")
    }

    /// The policies of all nodes.
    pub(super) fn policies(&self) -> PathBuf {
        self.directory.join("policies")
    }

    /// Writes them, for root to change and for everybody to read whatever the umask is.
    pub(super) fn write(&self) -> Result<(), WriteError> {
        let policies = self.policies();
        directory(&self.directory)?;
        directory(&policies)?;
        for node in DemoNode::ALL {
            directory(&self.of_node(node))?;
            file(&self.endpoints(node), ENDPOINTS[node.index()])?;
        }
        POLICIES
            .iter()
            .try_for_each(|(name, text)| file(&policies.join(name), text))
    }
}

/// The endpoints of the nodes, in their order: what is built is what the files say.
pub(super) fn endpoints() -> Result<[EndpointFile; 3], EndpointFileError> {
    let read = |node: DemoNode| {
        let name = format!("node-{node}.yaml");
        endpoint_file::parse(Path::new(&name), ENDPOINTS[node.index()])
    };
    let [a, b, c] = DemoNode::ALL.map(read);
    Ok([a?, b?, c?])
}

/// What a policy does, in its own words.
pub(super) fn summary(policy: &str) -> &str {
    let first = policy.lines().next().unwrap_or_default();
    first.trim_start_matches('#').trim()
}

fn directory(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755)))
        .map_err(failed(path))
}

fn file(path: &Path, text: &str) -> Result<(), WriteError> {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o644)))
        .map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    move |source| WriteError {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use registry::endpoint_file::{self, EndpointFile, Mode};

    use super::super::node::DemoNode;
    use super::{ENDPOINTS, Files, POLICIES, endpoints, summary};

    #[test]
    fn what_is_written_is_what_the_observers_accept() {
        let directory = tempfile::tempdir().unwrap();
        let files = Files {
            directory: directory.path().join("demo"),
        };
        files.write().unwrap();
        for (node, file) in DemoNode::ALL.into_iter().zip(endpoints().unwrap()) {
            let written = endpoint_file::read(&files.endpoints(node)).unwrap();
            let path = files.endpoints(node);
            assert_eq!(written, EndpointFile { path, ..file });
            assert_eq!(written.node, node.name());
        }
        let manifests = registry::directory::read(&files.policies()).unwrap();
        assert_eq!(manifests.len(), POLICIES.len());
        let mut repository = policy::PolicyRepository::new();
        for manifest in manifests {
            let file = manifest.path.display().to_string();
            repository.replace_file(&file, &manifest.text).unwrap();
        }
    }

    #[test]
    fn every_endpoint_enforces_in_both_families() {
        for endpoint in endpoints()
            .unwrap()
            .into_iter()
            .flat_map(|file| file.endpoints)
        {
            assert_eq!(endpoint.mode, Some(Mode::Enforce), "{}", endpoint.name);
            let ipv6: Vec<bool> = endpoint.ips.iter().map(|ip| ip.is_ipv6()).collect();
            assert_eq!(ipv6, [false, true], "{}", endpoint.name);
        }
    }

    #[test]
    fn the_endpoint_that_the_comment_offers_is_valid() {
        let (before, after) = ENDPOINTS[0].split_once("\n#- name: mine").unwrap();
        let offered = after.split("\n#\n").next().unwrap().replace("\n#", "\n");
        let text = format!("{before}\n- name: mine{offered}\n");
        let file = endpoint_file::parse("endpoints.yaml".as_ref(), &text).unwrap();
        assert_eq!(file.endpoints.last().unwrap().name, "mine");
        assert_eq!(
            file.endpoints.len(),
            endpoints().unwrap()[0].endpoints.len() + 1
        );
    }

    #[test]
    fn each_policy_begins_with_its_summary() {
        for (name, text) in POLICIES {
            assert!(text.starts_with("# "), "{name}");
            assert!((20..90).contains(&summary(text).len()), "{name}");
        }
    }
}
