//! The endpoint file: what a node without Kubernetes knows about its endpoints.

mod check;
mod cidr;
mod document;
mod error;
mod labels;
mod syntax;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use cidr::{Cidr, CidrError};
pub use error::{EndpointFileError, Problem};
pub use labels::labels;

use crate::watch::Source;

/// The cluster of a file that names none.
pub const DEFAULT_CLUSTER: &str = "default";

/// Addresses one endpoint may have.
pub const MAX_IPS: usize = 16;

/// Labels one endpoint or namespace may have.
pub const MAX_LABELS: usize = 128;

/// Named ports one endpoint may have.
pub const MAX_PORTS: usize = 64;

/// Extra CIDRs one endpoint may send from.
pub const MAX_SPOOFING_CIDRS: usize = 64;

/// Endpoints and namespaces one file may have, each.
pub const MAX_ENTRIES: usize = 16_384;

/// Size of a file, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// A text that is no name of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not usable as the name of a node: {0}")]
pub struct NodeNameError(String);

/// Checks a node's name that comes from elsewhere as the file's own is checked: it becomes part of paths.
///
/// # Errors
/// When it is no DNS subdomain.
pub fn check_node_name(name: &str) -> Result<(), NodeNameError> {
    syntax::dns_subdomain(name).map_err(NodeNameError)
}

/// A text that is no name of a namespace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NamespaceError(String);

/// Checks the name of a namespace, or of a service, that comes from elsewhere as the file's own are checked.
///
/// # Errors
/// When it is no DNS label.
pub fn check_namespace(name: &str) -> Result<(), NamespaceError> {
    syntax::dns_label(name).map_err(NamespaceError)
}

/// A valid endpoint file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFile {
    /// Where it was read from, for messages.
    pub path: PathBuf,
    /// The node's name, without the cluster.
    pub node: String,
    /// The cluster's name.
    pub cluster: String,
    /// The labels of namespaces, by namespace.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// The endpoints, in the order of the file.
    pub endpoints: Vec<EndpointSpec>,
}

impl EndpointFile {
    /// The node's name as it goes over the wire: `<cluster>/<node>`.
    #[must_use]
    pub fn node_name(&self) -> String {
        format!("{}/{}", self.cluster, self.node)
    }
}

/// One endpoint of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSpec {
    /// Its name; unique in its namespace.
    pub name: String,
    /// Its namespace, if it has one.
    pub namespace: Option<String>,
    /// Where its interface is found.
    pub attachment: Attachment,
    /// Its addresses, 1 to [`MAX_IPS`]; unique in the file.
    pub ips: Vec<IpAddr>,
    /// Its own labels, without source.
    pub labels: BTreeMap<String, String>,
    /// The workload it belongs to.
    pub workload: Option<Workload>,
    /// Its named ports.
    pub ports: BTreeMap<String, u16>,
    /// Its mode; `None` is the node's.
    pub mode: Option<Mode>,
    /// What it may send from.
    pub spoofing: Spoofing,
    /// The line of the file on which it begins, for messages about it.
    pub line: u64,
}

impl EndpointSpec {
    /// `namespace/name`, or `name` without a namespace: unique in the file.
    #[must_use]
    pub fn qualified_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Where an endpoint's interface is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attachment {
    /// The veth of this network namespace: a name below `/run/netns`, or an absolute path.
    Netns(String),
    /// This interface of the host: the host end of the endpoint's veth.
    Interface(String),
}

/// The workload an endpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// What becomes of a denied packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It is dropped.
    Enforce,
    /// It passes, and the flow says `AUDIT`.
    Audit,
    /// No policy is applied.
    Off,
}

/// What an endpoint may send from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spoofing {
    /// Its own addresses only.
    Strict,
    /// Any address.
    Off,
    /// Its own addresses and these networks.
    Cidrs(Vec<Cidr>),
}

/// Reads and checks an endpoint file.
///
/// # Errors
/// When it cannot be read, is too large, or is not valid; see [`EndpointFileError`].
pub fn read(path: &Path) -> Result<EndpointFile, EndpointFileError> {
    let read_error = |source| EndpointFileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read_error)?;
    let mut bytes = Vec::new();
    // Never more than the bound, also from a pipe or a file that grows while it is read.
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(read_error)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(EndpointFileError::TooLarge {
            path: path.to_owned(),
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count() as u64;
        EndpointFileError::Invalid {
            path: path.to_owned(),
            problems: vec![Problem::new(line, "", "the bytes are no UTF-8")],
        }
    })?;
    parse(path, &text)
}

/// Checks the text of an endpoint file; `path` is for messages only.
///
/// # Errors
/// [`EndpointFileError::Invalid`] with every problem that was found.
pub fn parse(path: &Path, text: &str) -> Result<EndpointFile, EndpointFileError> {
    document::parse(text)
        .map_err(|problem| vec![problem])
        .and_then(|document| check::check(path, document))
        .map_err(|problems| EndpointFileError::Invalid {
            path: path.to_owned(),
            problems,
        })
}

/// Checks one endpoint as it stands in the list of an endpoint file; `path` is for messages only.
///
/// # Errors
/// [`EndpointFileError::Invalid`] with every problem that was found.
pub fn parse_endpoint(path: &Path, text: &str) -> Result<EndpointSpec, EndpointFileError> {
    document::parse(text)
        .map_err(|problem| vec![problem])
        .and_then(check::check_endpoint)
        .map_err(|problems| EndpointFileError::Invalid {
            path: path.to_owned(),
            problems,
        })
}

/// An endpoint file as a [`Source`] to watch.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
}

impl FileSource {
    /// The file at `path`; it need not exist yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Source for FileSource {
    type State = EndpointFile;
    type Error = EndpointFileError;

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn load(&self) -> Result<EndpointFile, EndpointFileError> {
        read(&self.path)
    }
}

#[cfg(test)]
mod tests;
