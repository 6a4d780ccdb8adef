//! Why there is no connection, and what to do about it.

use std::io;
use std::path::PathBuf;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::first::Answer;
use crate::tls::{CertificateFacts, TlsFileError};

/// A connection that was not made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The Unix socket does not exist.
    #[error("there is no such socket")]
    NoSocket,
    /// The Unix socket belongs to somebody else.
    #[error("permission denied; the socket belongs to root, try sudo")]
    SocketForbidden,
    /// Nobody listens on the port.
    #[error("connection refused: nobody listens")]
    Refused,
    /// The host has no address.
    #[error("cannot resolve {host}")]
    Resolve {
        /// The host.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The kernel could not connect.
    #[error("cannot connect")]
    Open(#[source] io::Error),
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Files(#[from] TlsFileError),
    /// A certificate cannot have this name.
    #[error("{name:?} is no name that a certificate can have")]
    ServerName {
        /// The name.
        name: String,
    },
    /// The server is another one than expected.
    #[error(
        "its certificate is for {certificate}, expected {expected:?} (it expires {})",
        certificate.expires()
    )]
    WrongName {
        /// What the certificate says.
        certificate: Box<CertificateFacts>,
        /// The name that it should have.
        expected: String,
    },
    /// The server's certificate is no longer valid.
    #[error(
        "its certificate for {certificate} expired {}",
        certificate.expires()
    )]
    Expired {
        /// What the certificate says.
        certificate: Box<CertificateFacts>,
    },
    /// The server's certificate is not valid yet.
    #[error(
        "its certificate for {certificate} is valid from {} only",
        certificate.begins()
    )]
    NotYetValid {
        /// What the certificate says.
        certificate: Box<CertificateFacts>,
    },
    /// None of the authorities has signed the server's certificate.
    #[error("its certificate for {certificate} is signed by an unknown CA")]
    UnknownAuthority {
        /// What the certificate says.
        certificate: Box<CertificateFacts>,
    },
    /// The server's certificate does not convince for another reason.
    #[error("its certificate cannot be trusted")]
    Untrusted(#[source] Error),
    /// The client's own certificate does not hold now.
    #[error(
        "the client certificate {} is valid from {} to {}",
        path.display(), certificate.begins(), certificate.expires()
    )]
    OwnCertificate {
        /// Its file.
        path: PathBuf,
        /// What it says.
        certificate: Box<CertificateFacts>,
    },
    /// The server wants to know who asks.
    #[error("it wants a client certificate")]
    ClientCertificateRequired,
    /// The server does not take the client's certificate.
    #[error("it refuses the client certificate: {0}")]
    ClientCertificateRefused(&'static str),
    /// TLS was tried, and the server does not speak it.
    #[error("it does not speak TLS")]
    ServerSpeaksPlaintext,
    /// TLS was not tried, and the server speaks nothing else.
    #[error("it speaks TLS")]
    ServerSpeaksTls,
    /// TLS broke for another reason.
    #[error("the TLS handshake failed")]
    Handshake(#[source] Error),
    /// The server hung up while TLS began.
    #[error("it hung up during the TLS handshake")]
    ClosedInHandshake,
    /// The server hung up before a word of HTTP/2.
    #[error("it accepts connections but hangs up before a word of HTTP/2")]
    Closed {
        /// Whether TLS was spoken.
        encrypted: bool,
    },
    /// The server speaks something else.
    #[error(
        "it accepts connections but does not speak HTTP/2 ({what}); is this the port of another service?"
    )]
    NotHttp2 {
        /// What it said.
        what: String,
    },
}

/// Why a handshake failed.
pub(super) fn from_handshake(
    error: io::Error,
    presented: Option<CertificateFacts>,
    expected: &str,
) -> ConnectError {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::InvalidCertificate(problem)) => {
            of_certificate(problem, presented.map(Box::new), expected)
        }
        Some(error) => of_tls(error),
        None if hung_up(error.kind()) => ConnectError::ClosedInHandshake,
        None => ConnectError::Open(error),
    }
}

fn hung_up(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

/// What the server's certificate lacks.
fn of_certificate(
    problem: &CertificateError,
    certificate: Option<Box<CertificateFacts>>,
    expected: &str,
) -> ConnectError {
    use CertificateError as Problem;
    let untrusted = || ConnectError::Untrusted(Error::InvalidCertificate(problem.clone()));
    let Some(certificate) = certificate else {
        return untrusted();
    };
    match problem {
        Problem::NotValidForName | Problem::NotValidForNameContext { .. } => {
            ConnectError::WrongName {
                certificate,
                expected: expected.to_owned(),
            }
        }
        Problem::Expired | Problem::ExpiredContext { .. } => ConnectError::Expired { certificate },
        Problem::NotValidYet | Problem::NotValidYetContext { .. } => {
            ConnectError::NotYetValid { certificate }
        }
        // A CA of the same name with another key.
        Problem::UnknownIssuer | Problem::BadSignature => {
            ConnectError::UnknownAuthority { certificate }
        }
        _ => untrusted(),
    }
}

/// What else TLS says.
fn of_tls(error: &Error) -> ConnectError {
    match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            ConnectError::ServerSpeaksPlaintext
        }
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => ConnectError::ClientCertificateRequired,
            AlertDescription::UnknownCA | AlertDescription::DecryptError => {
                ConnectError::ClientCertificateRefused("it does not know the CA")
            }
            AlertDescription::CertificateExpired => {
                ConnectError::ClientCertificateRefused("it has expired, or is not valid yet")
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => {
                ConnectError::ClientCertificateRefused("it does not say why")
            }
            _ => ConnectError::Handshake(error.clone()),
        },
        _ => ConnectError::Handshake(error.clone()),
    }
}

/// Why there was no HTTP/2.
pub(super) fn from_answer(answer: Answer, encrypted: bool) -> ConnectError {
    match answer {
        Answer::TlsAlert => ConnectError::ServerSpeaksTls,
        Answer::Tls(error) => of_tls(&error),
        Answer::Http2 | Answer::Closed => ConnectError::Closed { encrypted },
        Answer::Other(bytes) => ConnectError::NotHttp2 {
            what: format!("it begins with {:?}", String::from_utf8_lossy(&bytes)),
        },
        Answer::Failed(what) => ConnectError::NotHttp2 { what },
    }
}
