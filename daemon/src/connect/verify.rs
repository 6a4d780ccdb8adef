//! Verifying a server's certificate, and keeping it, so that an error can say whose it is.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::tls::CertificateFacts;

/// Verifies one connection's server.
#[derive(Debug)]
pub(super) struct Verifier {
    /// None takes any certificate.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    presented: Mutex<Option<CertificateDer<'static>>>,
}

impl Verifier {
    /// Trusts these authorities; with none, everybody.
    pub(super) fn new(
        authorities: Option<RootCertStore>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let build = |authorities| {
            WebPkiServerVerifier::builder_with_provider(
                Arc::new(authorities),
                Arc::clone(&provider),
            )
            .build()
            .map_err(|error| Error::Other(OtherError(Arc::new(error))))
        };
        Ok(Self {
            verifier: authorities.map(build).transpose()?,
            provider,
            presented: Mutex::new(None),
        })
    }

    /// What the server's certificate says, once it has shown one.
    pub(super) fn presented(&self) -> Option<CertificateFacts> {
        let presented = self
            .presented
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        presented.as_ref().and_then(CertificateFacts::read)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self
            .presented
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
        match &self.verifier {
            Some(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Only version 1.3 is spoken.
        Err(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
