//! TLS of a client, with the flags and variables of Hubble's CLI.

use std::path::PathBuf;

use daemon::connect::{Address, ClientSecurity, ClientTls, Scheme};
use daemon::tls::CertificateFiles;

/// How to know a server, and how to be known by it. The hidden ones are the variables that Hubble's CLI reads.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ClientTlsFlags {
    /// Use TLS, as `tls://` before an address does. A Unix socket never has it
    #[arg(
        long,
        env = "TYCHO_TLS",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = switch,
        hide_env_values = true
    )]
    tls: Option<bool>,
    /// Take whatever certificate the server has: encrypted, but nobody knows to whom
    #[arg(
        long,
        env = "TYCHO_TLS_ALLOW_INSECURE",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = switch,
        hide_env_values = true
    )]
    tls_allow_insecure: Option<bool>,
    /// CAs (PEM) that sign servers' certificates, in place of those that this machine trusts
    #[arg(
        long,
        env = "TYCHO_TLS_CA_CERT_FILES",
        value_name = "FILES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    tls_ca_cert_files: Vec<String>,
    /// Certificate (PEM) to show to servers
    #[arg(
        long,
        env = "TYCHO_TLS_CLIENT_CERT_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    tls_client_cert_file: Option<String>,
    /// Its private key (PEM, unencrypted)
    #[arg(
        long,
        env = "TYCHO_TLS_CLIENT_KEY_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    tls_client_key_file: Option<String>,
    /// Name that the server's certificate must have, in place of the host of its address; a node's is
    /// NODE.CLUSTER.tycho
    #[arg(
        long,
        env = "TYCHO_TLS_SERVER_NAME",
        value_name = "NAME",
        hide_env_values = true
    )]
    tls_server_name: Option<String>,
    #[arg(long, env = "HUBBLE_TLS", hide = true, hide_env_values = true, value_parser = switch)]
    hubble_tls: Option<bool>,
    #[arg(long, env = "HUBBLE_TLS_ALLOW_INSECURE", hide = true, hide_env_values = true, value_parser = switch)]
    hubble_tls_allow_insecure: Option<bool>,
    #[arg(
        long,
        env = "HUBBLE_TLS_CA_CERT_FILES",
        hide = true,
        hide_env_values = true,
        value_delimiter = ','
    )]
    hubble_tls_ca_cert_files: Vec<String>,
    #[arg(
        long,
        env = "HUBBLE_TLS_CLIENT_CERT_FILE",
        hide = true,
        hide_env_values = true
    )]
    hubble_tls_client_cert_file: Option<String>,
    #[arg(
        long,
        env = "HUBBLE_TLS_CLIENT_KEY_FILE",
        hide = true,
        hide_env_values = true
    )]
    hubble_tls_client_key_file: Option<String>,
    #[arg(
        long,
        env = "HUBBLE_TLS_SERVER_NAME",
        hide = true,
        hide_env_values = true
    )]
    hubble_tls_server_name: Option<String>,
}

/// Flags that make no sense together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsFlagsError {
    /// A certificate and no key, or the other way round.
    #[error("a client certificate needs both `--tls-client-cert-file` and `--tls-client-key-file`")]
    Half,
}

impl ClientTlsFlags {
    /// How to speak to this address.
    pub(crate) fn security(&self, address: &Address) -> Result<ClientSecurity, TlsFlagsError> {
        if address.scheme == Scheme::Unsaid && !self.is_on() {
            return Ok(ClientSecurity::Plaintext);
        }
        self.tls().map(ClientSecurity::Tls)
    }

    /// Whether TLS is asked for, whatever the address.
    pub(crate) fn is_on(&self) -> bool {
        self.tls.or(self.hubble_tls).unwrap_or(false)
    }

    /// What TLS needs.
    pub(crate) fn tls(&self) -> Result<ClientTls, TlsFlagsError> {
        let certificate = said(
            &self.tls_client_cert_file,
            &self.hubble_tls_client_cert_file,
        );
        let key = said(&self.tls_client_key_file, &self.hubble_tls_client_key_file);
        let certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(CertificateFiles {
                certificate: certificate.into(),
                key: key.into(),
            }),
            (None, None) => None,
            _ => return Err(TlsFlagsError::Half),
        };
        let authorities = files(&self.tls_ca_cert_files);
        Ok(ClientTls {
            authorities: match authorities.is_empty() {
                true => files(&self.hubble_tls_ca_cert_files),
                false => authorities,
            },
            certificate,
            server_name: said(&self.tls_server_name, &self.hubble_tls_server_name),
            allow_insecure: self
                .tls_allow_insecure
                .or(self.hubble_tls_allow_insecure)
                .unwrap_or(false),
        })
    }
}

/// The first of both that says anything.
fn said(ours: &Option<String>, hubbles: &Option<String>) -> Option<String> {
    let texts = [ours, hubbles].into_iter().flatten();
    texts.into_iter().find(|text| !text.is_empty()).cloned()
}

fn files(paths: &[String]) -> Vec<PathBuf> {
    let said = paths.iter().filter(|path| !path.is_empty());
    said.map(PathBuf::from).collect()
}

/// A switch as Go reads it; an empty variable says no.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("it is `true` or `false`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tls: ClientTlsFlags,
    }

    fn security(arguments: &[&str], address: &str) -> Result<ClientSecurity, TlsFlagsError> {
        let line = ["tycho"].iter().chain(arguments);
        let line = Line::try_parse_from(line).expect("they parse");
        line.tls.security(&address.parse().expect("an address"))
    }

    #[test]
    fn flags_and_addresses_ask_for_tls() {
        for (arguments, address, expect) in [
            (&[][..], "h:1", false),
            (&["--tls"], "h:1", true),
            (&["--tls=true"], "h:1", true),
            (&["--tls=false"], "h:1", false),
            (&["--hubble-tls", "1"], "h:1", true),
            (&["--tls=false", "--hubble-tls", "1"], "h:1", false),
            (&["--tls-ca-cert-files", "x"], "h:1", false),
            (&[], "tls://h:1", true),
            (&["--tls=false"], "https://h:1", true),
        ] {
            let security = security(arguments, address).expect("fits");
            let is_tls = matches!(security, ClientSecurity::Tls(_));
            assert_eq!(is_tls, expect, "{arguments:?} {address}");
        }
    }

    #[test]
    fn everything_arrives() {
        let arguments = [
            "--tls",
            "--tls-allow-insecure",
            "--tls-ca-cert-files",
            "a,b",
            "--tls-ca-cert-files",
            "c",
            "--tls-client-cert-file",
            "d",
            "--hubble-tls-client-cert-file",
            "not this",
            "--hubble-tls-client-key-file",
            "e",
            "--tls-server-name",
            "f",
        ];
        let expect = ClientTls {
            authorities: ["a", "b", "c"].map(PathBuf::from).to_vec(),
            certificate: Some(CertificateFiles {
                certificate: "d".into(),
                key: "e".into(),
            }),
            server_name: Some("f".to_owned()),
            allow_insecure: true,
        };
        assert_eq!(security(&arguments, "h:1"), Ok(ClientSecurity::Tls(expect)));
        for half in ["--tls-client-cert-file", "--hubble-tls-client-key-file"] {
            let error = security(&["--tls", half, "x"], "h:1");
            assert_eq!(error, Err(TlsFlagsError::Half));
        }
    }
}
