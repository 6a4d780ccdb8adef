//! A directory with a CA and what it has signed: `ca.crt`, `ca.key`, and a `.crt` and a `.key` for each certificate.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::{Authority, AuthorityError, Leaf, Validity};

const CA: &str = "ca";

/// Such a directory.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Whether the CA is new; else it lay there.
    pub new_authority: bool,
    /// Files of the certificates, in the order in which they were asked for.
    pub certificates: Vec<PathBuf>,
}

/// Why nothing, or not all, was made.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file would be overwritten.
    #[error("{} exists: nothing was made; `--force` replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Half of a CA.
    #[error("{} is missing beside {}: put it back, or remove the other for a new CA", missing.display(), there.display())]
    Half {
        /// The file that is not there.
        missing: PathBuf,
        /// The file that is.
        there: PathBuf,
    },
    /// Two certificates would have the same files.
    #[error("{file} is asked for twice")]
    Twice {
        /// The name of the files.
        file: String,
    },
    /// The CA of the directory cannot be used.
    #[error("the CA in {} cannot be used", path.display())]
    Authority {
        /// Its certificate.
        path: PathBuf,
        /// Why.
        #[source]
        source: AuthorityError,
    },
    /// A certificate cannot be made.
    #[error(transparent)]
    Make(#[from] AuthorityError),
    /// A file cannot be read or written.
    #[error("cannot {step} {}", path.display())]
    File {
        /// What was tried.
        step: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Directory {
    /// The directory at this path, there or not.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The certificate of the CA.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.certificate(CA)
    }

    /// A certificate, by the name of its files ([`Leaf::file`]).
    #[must_use]
    pub fn certificate(&self, file: &str) -> PathBuf {
        self.path.join(format!("{file}.crt"))
    }

    /// A private key, by the name of its files.
    #[must_use]
    pub fn key(&self, file: &str) -> PathBuf {
        self.path.join(format!("{file}.key"))
    }

    /// Makes certificates, signed by the CA that lies there, or by a new one. Files are replaced only if `force` is said,
    /// and the CA never: who trusts it would have to be told.
    ///
    /// # Errors
    /// Nothing is made if a file is in the way, or if the CA cannot be used.
    pub fn make(
        &self,
        authority_name: &str,
        authority_validity: Validity,
        leaves: &[Leaf],
        validity: Validity,
        force: bool,
    ) -> Result<Made, DirectoryError> {
        self.check(leaves, force)?;
        let (authority, new_authority) = match self.read_authority()? {
            Some(authority) => (authority, false),
            None => (Authority::new(authority_name, authority_validity)?, true),
        };
        let issued: Vec<_> = leaves
            .iter()
            .map(|leaf| authority.issue(leaf, validity))
            .collect::<Result<_, _>>()?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&self.path)
            .map_err(failed("create the directory", &self.path))?;
        if new_authority {
            self.write(CA, authority.certificate_pem(), authority.key_pem())?;
        }
        for (leaf, issued) in leaves.iter().zip(issued) {
            self.write(leaf.file(), &issued.certificate_pem, &issued.key_pem)?;
        }
        Ok(Made {
            new_authority,
            certificates: leaves
                .iter()
                .map(|leaf| self.certificate(leaf.file()))
                .collect(),
        })
    }

    fn check(&self, leaves: &[Leaf], force: bool) -> Result<(), DirectoryError> {
        for (index, leaf) in leaves.iter().enumerate() {
            let file = leaf.file();
            if leaves[..index].iter().any(|earlier| earlier.file() == file) {
                return Err(DirectoryError::Twice {
                    file: file.to_owned(),
                });
            }
            let files = [self.certificate(file), self.key(file)];
            if let Some(path) = files.into_iter().find(|path| is_there(path) && !force) {
                return Err(DirectoryError::Exists { path });
            }
        }
        Ok(())
    }

    fn read_authority(&self) -> Result<Option<Authority>, DirectoryError> {
        let (certificate, key) = (self.authority(), self.key(CA));
        match (is_there(&certificate), is_there(&key)) {
            (false, false) => return Ok(None),
            (true, true) => {}
            (true, false) => {
                return Err(DirectoryError::Half {
                    missing: key,
                    there: certificate,
                });
            }
            (false, true) => {
                return Err(DirectoryError::Half {
                    missing: certificate,
                    there: key,
                });
            }
        }
        let read = |path: &Path| fs::read_to_string(path).map_err(failed("read", path));
        Authority::read(read(&certificate)?, read(&key)?)
            .map(Some)
            .map_err(|source| DirectoryError::Authority {
                path: certificate,
                source,
            })
    }

    /// The key first: whoever sees a new certificate finds its key.
    fn write(&self, file: &str, certificate: &str, key: &str) -> Result<(), DirectoryError> {
        replace(&self.key(file), key, 0o600)?;
        replace(&self.certificate(file), certificate, 0o644)
    }
}

/// A symbolic link to nowhere is there, too.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Writes beside the file and renames: nobody reads half of it, and a key is private from its first byte on.
fn replace(path: &Path, text: &str, mode: u32) -> Result<(), DirectoryError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("remove", &temporary)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .map_err(failed("create", &temporary))?;
    file.write_all(text.as_bytes())
        .map_err(failed("write", &temporary))?;
    fs::rename(&temporary, path).map_err(failed("rename to", path))
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DirectoryError {
    move |source| DirectoryError::File {
        step,
        path: path.to_owned(),
        source,
    }
}
