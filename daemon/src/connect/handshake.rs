//! The client's side of a TLS handshake.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::security::ClientTls;
use super::verify::Verifier;
use super::{ConnectError, error};
use crate::tls::{Identity, TlsFileError, provider, read_authorities};

/// Everything that a handshake needs, read from the files.
pub(super) struct Ready {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    server_name: ServerName<'static>,
}

/// Reads the files and puts the configuration together, away from the runtime's threads.
pub(super) async fn prepare(host: &str, tls: &ClientTls) -> Result<Ready, ConnectError> {
    let name = tls.server_name.as_deref().unwrap_or(host);
    let server_name =
        ServerName::try_from(name.to_owned()).map_err(|_invalid| ConnectError::ServerName {
            name: name.to_owned(),
        })?;
    let tls = tls.clone();
    let read = tokio::task::spawn_blocking(move || configure(&tls)).await;
    let (config, verifier) = read.map_err(|error| ConnectError::Open(error.into()))??;
    Ok(Ready {
        config: Arc::new(config),
        verifier,
        server_name,
    })
}

fn configure(tls: &ClientTls) -> Result<(ClientConfig, Arc<Verifier>), ConnectError> {
    let authorities = match tls.allow_insecure {
        true => None,
        false => Some(read_authorities(&tls.authorities)?),
    };
    let provider = provider();
    let verifier =
        Verifier::new(authorities, Arc::clone(&provider)).map_err(ConnectError::Handshake)?;
    let verifier = Arc::new(verifier);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(ConnectError::Handshake)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as _);
    let mut config = match &tls.certificate {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let Identity { chain, key, facts } = Identity::read(files)?;
            if !facts.holds_at(SystemTime::now()) {
                return Err(ConnectError::OwnCertificate {
                    path: files.certificate.clone(),
                    certificate: Box::new(facts),
                });
            }
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| TlsFileError::from_pair(files, &error))?
        }
    };
    config.alpn_protocols = vec![crate::tls::ALPN_HTTP2.to_vec()];
    Ok((config, verifier))
}

impl Ready {
    /// The name that requests carry as their host.
    pub(super) fn authority(&self) -> String {
        let name = self.server_name.to_str();
        match name.contains(':') {
            true => format!("[{name}]"),
            false => name.into_owned(),
        }
    }

    /// Shakes hands on an open connection.
    pub(super) async fn handshake(
        self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let name = self.server_name.to_str().into_owned();
        let shaken = TlsConnector::from(self.config)
            .connect(self.server_name, stream)
            .await
            .map_err(|error| error::from_handshake(error, self.verifier.presented(), &name))?;
        // A server without ALPN may still speak HTTP/2: what it answers first tells.
        Ok(shaken)
    }
}
