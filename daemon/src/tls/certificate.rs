//! What a certificate says, in words: its names, its role, when it expires.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The organization (`O` of the subject) of a client certificate that may change things.
pub const ADMIN_ROLE: &str = "tycho:admin";

/// Names of one certificate that are kept; a hostile one may have very many.
const NAMES_AT_MOST: usize = 16;

/// What a certificate says of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The common name of the subject, as text for people: it proves nothing.
    pub common_name: Option<String>,
    /// DNS names and addresses that it is for; of very many, the first.
    pub names: Vec<String>,
    /// The organizations of the subject: its roles.
    pub organizations: Vec<String>,
    /// Valid from.
    pub not_before: SystemTime,
    /// Valid to.
    pub not_after: SystemTime,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// Its public key, as the bytes of the bit string.
    pub public_key: Vec<u8>,
}

impl CertificateFacts {
    /// Reads a certificate; `None` if it cannot be understood. Nothing is verified.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let subject = parsed.subject();
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.map(|extension| &extension.value.general_names);
        Some(Self {
            common_name: subject.iter_common_name().find_map(text),
            names: names
                .into_iter()
                .flatten()
                .filter_map(name)
                .take(NAMES_AT_MOST)
                .collect(),
            organizations: subject
                .iter_organization()
                .filter_map(text)
                .take(NAMES_AT_MOST)
                .collect(),
            not_before: system_time(parsed.validity().not_before.timestamp()),
            not_after: system_time(parsed.validity().not_after.timestamp()),
            is_authority: parsed.is_ca(),
            public_key: parsed.public_key().subject_public_key.data.to_vec(),
        })
    }

    /// Reads the first certificate of a PEM file.
    #[must_use]
    pub fn read_pem(pem: &[u8]) -> Option<Self> {
        Self::read(&CertificateDer::from_pem_slice(pem).ok()?)
    }

    /// Whether its owner may change things.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.organizations.iter().any(|role| role == ADMIN_ROLE)
    }

    /// Whether it holds at that time.
    #[must_use]
    pub fn holds_at(&self, time: SystemTime) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    /// When it begins to hold, as people read it.
    #[must_use]
    pub fn begins(&self) -> String {
        rfc3339(self.not_before)
    }

    /// When it expires, as people read it.
    #[must_use]
    pub fn expires(&self) -> String {
        rfc3339(self.not_after)
    }
}

/// Its names in quotes, or its common name if it has none.
impl fmt::Display for CertificateFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.names.iter().map(|name| format!("{name:?}")).collect();
        match (&self.common_name, names.is_empty()) {
            (_, false) => f.write_str(&names.join(", ")),
            (Some(name), true) => write!(f, "no server, but {name:?}"),
            (None, true) => f.write_str("nobody"),
        }
    }
}

fn text(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> Option<String> {
    attribute.as_str().ok().map(str::to_owned)
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = || <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4().or_else(|_| v6())
                .ok()
                .map(|address| address.to_string())
        }
        _ => None,
    }
}

/// A time in seconds since 1970; what lies before that year is that year.
fn system_time(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn rfc3339(time: SystemTime) -> String {
    let formatted = OffsetDateTime::from(time).format(&Rfc3339);
    formatted.unwrap_or_else(|_| "in a year that nobody will see".to_owned())
}
