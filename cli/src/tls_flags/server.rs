//! TLS of a server, as `tycho observer` and `tycho relay` take it.

use std::path::PathBuf;

use daemon::listen::Exposure;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls, TlsFileError};

/// Certificate, key, CAs of clients.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct ServerTlsFlags {
    /// Certificate (PEM, with those between it and the CA after it): addresses over TCP are then served
    /// with TLS only, also where other machines can reach them. These files are read anew when they change
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key_file",
        conflicts_with = "insecure_bind"
    )]
    tls_cert_file: Option<PathBuf>,
    /// Its private key (PEM, unencrypted)
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_key_file: Option<PathBuf>,
    /// CAs of clients (PEM): only clients with a certificate of theirs are served (mutual TLS), and those
    /// with the role `tycho:admin` may change things
    #[arg(
        long,
        value_name = "FILES",
        value_delimiter = ',',
        requires = "tls_cert_file"
    )]
    tls_client_ca_files: Vec<PathBuf>,
    /// Serve addresses that other machines can reach, without encryption and authentication:
    /// whoever reaches the port reads every flow
    #[arg(long)]
    insecure_bind: bool,
}

impl ServerTlsFlags {
    /// Who may reach TCP addresses; with TLS, its files are read.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub(crate) fn exposure(&self) -> Result<Exposure, TlsFileError> {
        Ok(match (&self.tls_cert_file, &self.tls_key_file) {
            (Some(certificate), Some(key)) => Exposure::Tls(ServerTls::load(ServerFiles {
                certificate: CertificateFiles {
                    certificate: certificate.clone(),
                    key: key.clone(),
                },
                client_authorities: self.tls_client_ca_files.clone(),
            })?),
            _ if self.insecure_bind => Exposure::InsecureBind,
            _ => Exposure::LoopbackOnly,
        })
    }
}
