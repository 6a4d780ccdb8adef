//! Certificates and keys in PEM files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::CertificateFacts;

/// Far more than any bundle of CAs has.
const FILE_BYTES_AT_MOST: u64 = 4 << 20;

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, with those between it and the CA after it.
    pub certificate: PathBuf,
    /// Its private key, unencrypted.
    pub key: PathBuf,
}

/// Why files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has nothing of what it should have.
    #[error("{} has no {what} in PEM form (`-----BEGIN {label}-----`)", path.display())]
    Nothing {
        /// The file.
        path: PathBuf,
        /// What it should have.
        what: &'static str,
        /// As PEM calls it.
        label: &'static str,
    },
    /// A file is damaged.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Certificate and key are not a pair, or the key is of an unknown kind.
    #[error("the key {} does not fit the certificate {}: {reason}", key.display(), certificate.display())]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The CAs of clients cannot be used together.
    #[error("the CAs of clients cannot be used: {0}")]
    ClientAuthorities(String),
    /// Nothing says whom to trust.
    #[error(
        "this machine has no certificates of authorities ({reason}): name the CA's file with `--tls-ca-cert-files`"
    )]
    NoSystemAuthorities {
        /// What was found instead.
        reason: String,
    },
}

/// A certificate with its key, as read.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) facts: CertificateFacts,
}

impl Identity {
    /// Reads both files. Whether they are a pair is found by whoever uses them, and told by [`TlsFileError::from_pair`].
    pub(crate) fn read(files: &CertificateFiles) -> Result<Self, TlsFileError> {
        let chain = certificates(&files.certificate)?;
        let facts = CertificateFacts::read(&chain[0]).ok_or_else(|| TlsFileError::Damaged {
            path: files.certificate.clone(),
            reason: "its first certificate cannot be understood".to_owned(),
        })?;
        let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(not_in_pem(
            &files.key,
            "unencrypted private key",
            "PRIVATE KEY",
        ))?;
        Ok(Self { chain, key, facts })
    }
}

impl TlsFileError {
    /// The error for a key that the certificate does not take.
    pub(crate) fn from_pair(files: &CertificateFiles, error: &rustls::Error) -> Self {
        let reason = match error {
            rustls::Error::InconsistentKeys(_) => "they were not made together".to_owned(),
            other => other.to_string(),
        };
        Self::Pair {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            reason,
        }
    }
}

/// The authorities of these files; with no file, those of the machine.
pub(crate) fn read_authorities(files: &[PathBuf]) -> Result<RootCertStore, TlsFileError> {
    let mut store = RootCertStore::empty();
    if files.is_empty() {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        if store.is_empty() {
            let reason = found.errors.first().map(ToString::to_string);
            return Err(TlsFileError::NoSystemAuthorities {
                reason: reason.unwrap_or_else(|| "nothing found".to_owned()),
            });
        }
    }
    for path in files {
        for certificate in certificates(path)? {
            store
                .add(certificate)
                .map_err(|error| TlsFileError::Damaged {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
        }
    }
    Ok(store)
}

/// All certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let failed = |error| not_in_pem(path, "certificate", "CERTIFICATE")(error);
    let bytes = read(path)?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    if found.is_empty() {
        return Err(failed(rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// The content of a file, or that it cannot be read.
pub(super) type FileBytes = Option<Vec<u8>>;

/// What the files have now, for comparison.
pub(super) fn look(paths: &[PathBuf]) -> Vec<FileBytes> {
    paths.iter().map(|path| read(path).ok()).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, TlsFileError> {
    let failed = |source| TlsFileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let read = file
        .take(FILE_BYTES_AT_MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if read as u64 > FILE_BYTES_AT_MOST {
        return Err(failed(io::Error::other(
            "it is too large for certificates and keys",
        )));
    }
    Ok(bytes)
}

fn not_in_pem(
    path: &Path,
    what: &'static str,
    label: &'static str,
) -> impl FnOnce(rustls_pki_types::pem::Error) -> TlsFileError {
    use rustls_pki_types::pem::Error;
    move |error| match error {
        Error::NoItemsFound => TlsFileError::Nothing {
            path: path.to_owned(),
            what,
            label,
        },
        other => TlsFileError::Damaged {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    }
}
