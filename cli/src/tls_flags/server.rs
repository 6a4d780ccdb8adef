//! TLS of a server, as `tycho observer` and `tycho relay` take it.

use std::path::PathBuf;

use daemon::tls::{CertificateFiles, ServerFiles};

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
    /// The files, if TLS is asked for.
    pub(crate) fn files(&self) -> Option<ServerFiles> {
        Some(ServerFiles {
            certificate: CertificateFiles {
                certificate: self.tls_cert_file.clone()?,
                key: self.tls_key_file.clone()?,
            },
            client_authorities: self.tls_client_ca_files.clone(),
        })
    }

    /// Whether other machines may come without TLS.
    pub(crate) fn insecure_bind(&self) -> bool {
        self.insecure_bind
    }
}
