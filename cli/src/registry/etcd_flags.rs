//! How etcd is spoken to: certificates and a password.

use std::io;
use std::path::PathBuf;

use registry::cluster::{EtcdLogin, EtcdTls, RegistrySettings};

use crate::text_file;

/// Flags for a registry in etcd.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "etcd")]
pub(crate) struct EtcdFlags {
    /// CA (PEM) that signs etcd's certificate, in place of those that this machine trusts
    #[arg(
        long,
        value_name = "FILE",
        env = "TYCHO_ETCD_CA_FILE",
        hide_env_values = true,
        global = true
    )]
    etcd_ca_file: Option<PathBuf>,
    /// Certificate (PEM) to show to etcd
    #[arg(
        long,
        value_name = "FILE",
        env = "TYCHO_ETCD_CERT_FILE",
        hide_env_values = true,
        global = true
    )]
    etcd_cert_file: Option<PathBuf>,
    /// Its private key (PEM, unencrypted)
    #[arg(
        long,
        value_name = "FILE",
        env = "TYCHO_ETCD_KEY_FILE",
        hide_env_values = true,
        global = true
    )]
    etcd_key_file: Option<PathBuf>,
    /// Name on etcd's certificate, in place of the host of its address
    #[arg(
        long,
        value_name = "NAME",
        env = "TYCHO_ETCD_SERVER_NAME",
        hide_env_values = true,
        global = true
    )]
    etcd_server_name: Option<String>,
    /// User, if etcd asks for one
    #[arg(
        long,
        value_name = "NAME",
        env = "TYCHO_ETCD_USER",
        hide_env_values = true,
        requires = "etcd_password_file",
        global = true
    )]
    etcd_user: Option<String>,
    /// File with the user's password
    #[arg(
        long,
        value_name = "FILE",
        env = "TYCHO_ETCD_PASSWORD_FILE",
        hide_env_values = true,
        requires = "etcd_user",
        global = true
    )]
    etcd_password_file: Option<PathBuf>,
}

/// The password cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the password of etcd from {}", path.display())]
pub(crate) struct PasswordError {
    path: PathBuf,
    source: io::Error,
}

impl EtcdFlags {
    /// What they say, for the settings of a registry.
    pub(crate) fn access(self) -> Result<(EtcdTls, Option<EtcdLogin>), PasswordError> {
        let login = match (self.etcd_user, self.etcd_password_file) {
            (Some(user), Some(path)) => {
                let text = text_file::read(&path);
                let text = text.map_err(|source| PasswordError { path, source })?;
                let password = text.trim_end_matches(['\r', '\n']).to_owned();
                Some(EtcdLogin { user, password })
            }
            _ => None,
        };
        let tls = EtcdTls {
            ca: self.etcd_ca_file,
            certificate: self.etcd_cert_file,
            key: self.etcd_key_file,
            server_name: self.etcd_server_name,
        };
        Ok((tls, login))
    }

    /// The settings with what they say.
    pub(crate) fn apply(
        self,
        settings: RegistrySettings,
    ) -> Result<RegistrySettings, PasswordError> {
        let (tls, login) = self.access()?;
        Ok(RegistrySettings {
            tls,
            login,
            ..settings
        })
    }
}
