//! Which cluster an etcd holds: a random name, written into it once, and kept by each node.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::error::RegistryError;
use super::super::keys;
use super::super::store::BackendError;
use super::call::within;
use super::connection::Connection;
use super::wire::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use super::wire::etcdserverpb::request_op::Request;
use super::wire::etcdserverpb::{Compare, PutRequest, RangeRequest, RequestOp, TxnRequest};

/// The file, in the node's state directory.
const FILE: &str = "cluster-id";

/// Bytes that are read of it.
const MAX_ID_BYTES: u64 = 256;

/// The id that this node knows, and where it keeps it. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct ClusterId {
    backend: Arc<str>,
    path: Option<Arc<PathBuf>>,
    id: Arc<Mutex<Option<String>>>,
}

impl ClusterId {
    /// What the node has kept in its state directory, if it has.
    pub(super) fn new(backend: String, state: Option<&Path>) -> Result<Self, RegistryError> {
        let path = state.map(|state| state.join(FILE));
        let id = match &path {
            Some(path) => read(path).map_err(|error| RegistryError::Setting {
                setting: "state directory".to_owned(),
                reason: format!("cannot read {}: {error}", path.display()),
            })?,
            None => None,
        };
        Ok(Self {
            backend: backend.into(),
            path: path.map(Arc::new),
            id: Arc::new(Mutex::new(id)),
        })
    }

    /// The id, once it is known.
    pub(super) fn id(&self) -> Option<String> {
        self.id
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Holds the etcd's id against the node's. An etcd without one gets one, if the node knows of none either and
    /// `found` is allowed. Says etcd's revision.
    pub(super) async fn check(
        &self,
        connection: &Connection,
        found: bool,
    ) -> Result<u64, BackendError> {
        loop {
            let request = RangeRequest {
                key: connection.full(keys::CLUSTER_ID),
                ..RangeRequest::default()
            };
            let answer = connection.range("read the cluster's id", request).await?;
            let there = answer.kvs.into_iter().next();
            let there = there.map(|kv| read_value(&kv.value));
            if there.is_none() && self.id().is_none() && found {
                self.found(connection).await?;
                continue;
            }
            self.compare(there.as_deref())?;
            if let Some(there) = there {
                self.adopt(there)?;
            }
            let header = answer.header.unwrap_or_default();
            return Ok(u64::try_from(header.revision).unwrap_or(0));
        }
    }

    /// Whether the etcd with the id `there` is the one this node knows.
    pub(super) fn compare(&self, there: Option<&str>) -> Result<(), BackendError> {
        let Some(expected) = self.id() else {
            return Ok(());
        };
        let backend = self.backend.to_string();
        let path = self.path.as_ref().map(|path| path.to_path_buf());
        match there {
            Some(there) if there == expected => Ok(()),
            Some(there) => Err(BackendError::Refused(RegistryError::Foreign {
                backend,
                found: there.to_owned(),
                expected,
                path,
            })),
            None => Err(BackendError::Refused(RegistryError::Wiped {
                backend,
                expected,
                path,
            })),
        }
    }

    /// The guard that every transaction has. Without an id there is nothing to hold against: a process that is no node
    /// has found an empty etcd.
    pub(super) fn guard(&self, connection: &Connection) -> Option<Compare> {
        let id = self.id()?;
        Some(Compare {
            result: CompareResult::Equal.into(),
            target: CompareTarget::Value.into(),
            key: connection.full(keys::CLUSTER_ID),
            target_union: Some(TargetUnion::Value(value(&id))),
            range_end: Vec::new(),
        })
    }

    /// Writes a new id, unless somebody else was faster.
    async fn found(&self, connection: &Connection) -> Result<(), BackendError> {
        let id = random().map_err(BackendError::io("read", Path::new(RANDOM)))?;
        let key = connection.full(keys::CLUSTER_ID);
        let request = TxnRequest {
            compare: vec![Compare {
                result: CompareResult::Equal.into(),
                target: CompareTarget::Create.into(),
                key: key.clone(),
                target_union: Some(TargetUnion::CreateRevision(0)),
                range_end: Vec::new(),
            }],
            success: vec![RequestOp {
                request: Some(Request::RequestPut(PutRequest {
                    key,
                    value: value(&id),
                    lease: 0,
                })),
            }],
            failure: Vec::new(),
        };
        let mut client = connection.keys();
        let call = client.txn(request);
        within(
            "write the cluster's id",
            &connection.member,
            connection.limit,
            call,
        )
        .await?;
        Ok(())
    }

    fn adopt(&self, there: String) -> Result<(), BackendError> {
        let mut id = self.id.lock().unwrap_or_else(PoisonError::into_inner);
        if id.is_some() {
            return Ok(());
        }
        if let Some(path) = &self.path {
            write(path, &there).map_err(BackendError::io("write", path))?;
        }
        *id = Some(there);
        Ok(())
    }
}

/// The id as it is stored: JSON, as all values.
fn value(id: &str) -> Vec<u8> {
    format!("{id:?}").into_bytes()
}

pub(super) fn read_value(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.trim_matches('"').to_owned()
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match fs::File::open(path) {
        Ok(file) => file.take(MAX_ID_BYTES).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let id = text.trim();
    Ok((!id.is_empty()).then(|| id.to_owned()))
}

/// Whole or not at all.
fn write(path: &Path, id: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let temporary = path.with_extension("new");
    fs::write(&temporary, format!("{id}\n"))?;
    fs::rename(&temporary, path)
}

const RANDOM: &str = "/dev/urandom";

fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open(RANDOM)?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
