//! How a process takes part in the registry.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use policy::Identity;

use super::error::RegistryError;
use super::url::RegistryUrl;

/// How long a node stays in the registry after its process has died.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(15);

/// How long the number of an identity rests after its last use.
pub const DEFAULT_REST: Duration = Duration::from_secs(24 * 3600);

/// How long a call waits for the backend.
pub const DEFAULT_CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How a process takes part in the registry.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    /// Where it is.
    pub url: RegistryUrl,
    /// `cluster/node`, if this process is a node. One that is none reads, and puts policies and services.
    pub node: Option<String>,
    /// Whether the directory of a file registry is made if it is not there; a node makes it in any case.
    pub create: bool,
    /// Where this node keeps the id of its cluster and the last known state, both for etcd only. Without it a wiped or
    /// foreign etcd is refused for as long as this process lives, and a restart while etcd is away begins with nothing.
    pub state: Option<PathBuf>,
    /// How long a node stays after its process has died; at least 2 s. Default: 15 s.
    pub lease: Duration,
    /// How long the number of an identity rests after its last use; with etcd at least 2 s. Default: 24 h.
    pub rest: Duration,
    /// The numbers that are given. Default: 256 to 65,535, which is also the most. The same on every node.
    pub identities: RangeInclusive<u32>,
    /// How long a call waits for the backend. Default: 5 s.
    pub call_timeout: Duration,
    /// TLS to etcd, beside what the system trusts.
    pub tls: EtcdTls,
    /// User and password for etcd; those of the URL if none.
    pub login: Option<EtcdLogin>,
}

/// Certificates for `etcds://`, as paths of PEM files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EtcdTls {
    /// Who signs etcd's certificate; `None`: whom the system trusts.
    pub ca: Option<PathBuf>,
    /// This client's certificate, with its key.
    pub certificate: Option<PathBuf>,
    /// The key.
    pub key: Option<PathBuf>,
    /// The name on etcd's certificate, if it is not the host's.
    pub server_name: Option<String>,
}

/// User and password for etcd.
#[derive(Clone, PartialEq, Eq)]
pub struct EtcdLogin {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for EtcdLogin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EtcdLogin({})", self.user)
    }
}

impl RegistrySettings {
    /// The defaults: a process that is no node.
    #[must_use]
    pub fn new(url: RegistryUrl) -> Self {
        Self {
            url,
            node: None,
            create: false,
            state: None,
            lease: DEFAULT_LEASE,
            rest: DEFAULT_REST,
            identities: Identity::FIRST_ALLOCATED.0..=Identity::LAST_ALLOCATED.0,
            call_timeout: DEFAULT_CALL_TIMEOUT,
            tls: EtcdTls::default(),
            login: None,
        }
    }

    /// The defaults for the node `cluster/node`.
    #[must_use]
    pub fn for_node(url: RegistryUrl, node: impl Into<String>) -> Self {
        Self {
            node: Some(node.into()),
            ..Self::new(url)
        }
    }

    /// Refuses what cannot work.
    pub(super) fn check(&self) -> Result<(), RegistryError> {
        let invalid = |what: &str, reason: String| {
            Err(RegistryError::Setting {
                setting: what.to_owned(),
                reason,
            })
        };
        if let Some(node) = &self.node {
            let parts: Vec<&str> = node.split('/').collect();
            let [cluster, name] = parts[..] else {
                return invalid("node", format!("{node:?} is not `cluster/node`"));
            };
            for part in [cluster, name] {
                if let Err(error) = crate::endpoint_file::check_node_name(part) {
                    return invalid("node", error.to_string());
                }
            }
        }
        let given = Identity::FIRST_ALLOCATED.0..=Identity::LAST_ALLOCATED.0;
        let (first, last) = (self.identities.start(), self.identities.end());
        if self.identities.is_empty() || !given.contains(first) || !given.contains(last) {
            return invalid(
                "identities",
                format!("{first} to {last} is no part of 256 to 65535"),
            );
        }
        if self.lease < Duration::from_secs(2) {
            return invalid("lease", format!("{:?} is shorter than 2 s", self.lease));
        }
        if self.call_timeout.is_zero() {
            return invalid("call timeout", "it is zero".to_owned());
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return invalid(
                "TLS to etcd",
                "a certificate and its key go together".to_owned(),
            );
        }
        Ok(())
    }
}
