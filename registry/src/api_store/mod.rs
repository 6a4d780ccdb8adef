//! What was added by calls instead of files: kept in a directory of its own, in the same shapes as the files.
//!
//! `endpoints.yaml` is an endpoint file; `policies/<kind>.<namespace>.<name>.yaml` is the text of one policy. Each file
//! is replaced as a whole, so that a crash leaves the old or the new one.

mod document;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub use document::{mode_name, text};

use crate::directory::{self, DirectoryError, Manifest};
use crate::endpoint_file::{self, EndpointFile, EndpointFileError};

/// Bytes of a file's name at most, as most file systems have it.
const MAX_NAME_BYTES: usize = 255;

/// Why the store cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ApiStoreError {
    /// A file or directory operation failed.
    #[error("cannot {operation} {}", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The file of endpoints is not valid.
    #[error(transparent)]
    Endpoints(#[from] EndpointFileError),
    /// The policies cannot be read.
    #[error(transparent)]
    Policies(#[from] DirectoryError),
    /// A policy's name does not fit into the name of a file.
    #[error("the policy `{name}` cannot be kept: its name is too long for a file, or holds `/`")]
    Name {
        /// The policy.
        name: String,
    },
}

/// What names a policy here: kind, namespace and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyFile<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace; empty without.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// The store in its directory, which only the owner of this process may read.
#[derive(Clone, Debug)]
pub struct ApiStore {
    directory: PathBuf,
}

impl ApiStore {
    /// The store at `directory`, which need not exist: it is made with the first addition.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where the endpoints are.
    #[must_use]
    pub fn endpoints_path(&self) -> PathBuf {
        self.directory.join("endpoints.yaml")
    }

    /// Where the policies are.
    #[must_use]
    pub fn policies_path(&self) -> PathBuf {
        self.directory.join("policies")
    }

    /// Where a policy is, or will be.
    ///
    /// # Errors
    /// When its name is none for a file.
    pub fn policy_path(&self, policy: PolicyFile<'_>) -> Result<PathBuf, ApiStoreError> {
        let PolicyFile {
            kind,
            namespace,
            name,
        } = policy;
        let file = format!("{kind}.{namespace}.{name}.yaml");
        if file.len() > MAX_NAME_BYTES || file.contains(['/', '\0']) || kind.is_empty() {
            return Err(ApiStoreError::Name {
                name: name.to_owned(),
            });
        }
        Ok(self.policies_path().join(file))
    }

    /// The endpoints; none for the node and cluster of `beside` if nothing was added yet.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is not valid.
    pub fn endpoints(&self, beside: &EndpointFile) -> Result<EndpointFile, ApiStoreError> {
        let path = self.endpoints_path();
        match path.try_exists() {
            Ok(false) => Ok(EndpointFile {
                path,
                node: beside.node.clone(),
                cluster: beside.cluster.clone(),
                namespaces: Default::default(),
                endpoints: Vec::new(),
            }),
            Ok(true) => Ok(endpoint_file::read(&path)?),
            Err(source) => Err(failed("look for", &path)(source)),
        }
    }

    /// The policies, each with the path of its file.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn policies(&self) -> Result<Vec<Manifest>, ApiStoreError> {
        let path = self.policies_path();
        match path.try_exists() {
            Ok(false) => Ok(Vec::new()),
            Ok(true) => Ok(directory::read(&path)?),
            Err(source) => Err(failed("look for", &path)(source)),
        }
    }

    /// Checks endpoints that shall be kept: as they will be read back, with the lines of the file to come.
    ///
    /// # Errors
    /// When the reader of endpoint files would refuse them.
    pub fn check(&self, endpoints: &EndpointFile) -> Result<EndpointFile, EndpointFileError> {
        endpoint_file::parse(&self.endpoints_path(), &text(endpoints))
    }

    /// Keeps these endpoints in place of those before.
    ///
    /// # Errors
    /// When the file cannot be written; the old one stays.
    pub fn write_endpoints(&self, endpoints: &EndpointFile) -> Result<(), ApiStoreError> {
        make_private(&self.directory)?;
        replace(&self.endpoints_path(), &text(endpoints))
    }

    /// Makes the files of `after` what is kept, where `before` is.
    ///
    /// # Errors
    /// When a file cannot be written or removed. The earlier state is put back as far as that works.
    pub fn change_policies(
        &self,
        before: &[Manifest],
        after: &[Manifest],
    ) -> Result<(), ApiStoreError> {
        make_private(&self.directory)?;
        make_private(&self.policies_path())?;
        let result = transform(before, after);
        if result.is_err()
            && let Err(error) = transform(after, before)
        {
            tracing::error!(
                %error,
                directory = %self.policies_path().display(),
                "the policies of the API could not be put back: compare the directory with `tycho policy list`"
            );
        }
        result
    }
}

/// Writes what is new or different, then removes what is gone.
fn transform(before: &[Manifest], after: &[Manifest]) -> Result<(), ApiStoreError> {
    for manifest in after.iter().filter(|manifest| !before.contains(manifest)) {
        replace(&manifest.path, &manifest.text)?;
    }
    for gone in before {
        if !after.iter().any(|manifest| manifest.path == gone.path) {
            match fs::remove_file(&gone.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &gone.path)(error));
                }
                _ => sync_directory(&gone.path)?,
            }
        }
    }
    Ok(())
}

/// Puts a file in the place of another in one step, safe against a crash at any time.
fn replace(path: &Path, text: &str) -> Result<(), ApiStoreError> {
    // Hidden and without the ending of a manifest: a leftover is never read.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let short: String = name.chars().take(64).collect();
    let temporary = path.with_file_name(format!(".{short}.new"));
    let write = || {
        let mut file: File = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(failed("write", &temporary))?;
    fs::rename(&temporary, path).map_err(failed("replace", path))?;
    sync_directory(path)
}

/// A rename is on disk when its directory is.
fn sync_directory(path: &Path) -> Result<(), ApiStoreError> {
    let directory = path.parent().unwrap_or(path);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed("sync", directory))
}

fn make_private(directory: &Path) -> Result<(), ApiStoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| fs::set_permissions(directory, Permissions::from_mode(0o700)))
        .map_err(failed("make the directory", directory))
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ApiStoreError {
    let path = path.to_owned();
    move |source| ApiStoreError::File {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
