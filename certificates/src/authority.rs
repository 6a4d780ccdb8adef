//! The CA: made once, read back later, signs certificates.

use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::{Leaf, Validity};

/// A certificate authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    validity: Validity,
    certificate_pem: String,
    key_pem: String,
}

/// A certificate with its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key.
    pub key_pem: String,
}

/// What cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A certificate or key cannot be made.
    #[error("cannot make {what}")]
    Make {
        /// For whom.
        what: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// What was read is no CA.
    #[error("it is no certificate of a CA with its key")]
    NoAuthority(#[source] rcgen::Error),
    /// What was read is a certificate, but not one that can be used.
    #[error("it cannot be used: {0}")]
    Unusable(&'static str),
    /// The CA does not hold now, so nothing that it signs would.
    #[error(
        "the CA is valid from {from} to {to}: remove it, or choose another directory, for a new one"
    )]
    Expired {
        /// Its begin.
        from: String,
        /// Its end.
        to: String,
    },
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str, validity: Validity) -> Result<Self, AuthorityError> {
        let failed = |source| AuthorityError::Make {
            what: format!("the CA {name:?}"),
            source,
        };
        let mut wanted = parameters(name, validity);
        wanted.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        wanted.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = wanted.self_signed(&key).map_err(failed)?;
        Ok(Self {
            validity,
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            issuer: Issuer::new(wanted, key),
        })
    }

    /// One that was made earlier.
    ///
    /// # Errors
    /// When it is no CA with its key, or does not hold now.
    pub fn read(certificate_pem: String, key_pem: String) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(&key_pem).map_err(AuthorityError::NoAuthority)?;
        let public_key = key.public_key_raw().to_vec();
        let issuer =
            Issuer::from_ca_cert_pem(&certificate_pem, key).map_err(AuthorityError::NoAuthority)?;
        let facts = daemon::tls::CertificateFacts::read_pem(certificate_pem.as_bytes())
            .ok_or(AuthorityError::Unusable("it cannot be understood"))?;
        if !facts.is_authority {
            return Err(AuthorityError::Unusable("it is no CA's"));
        }
        if facts.public_key != public_key {
            return Err(AuthorityError::Unusable(
                "certificate and key were not made together",
            ));
        }
        if !facts.holds_at(SystemTime::now()) {
            return Err(AuthorityError::Expired {
                from: facts.begins(),
                to: facts.expires(),
            });
        }
        Ok(Self {
            issuer,
            validity: Validity {
                not_before: facts.not_before,
                not_after: facts.not_after,
            },
            certificate_pem,
            key_pem,
        })
    }

    /// Makes a certificate with a new key. It does not outlive the CA.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn issue(&self, leaf: &Leaf, validity: Validity) -> Result<Issued, AuthorityError> {
        let failed = |source| AuthorityError::Make {
            what: format!("the certificate of {:?}", leaf.common_name),
            source,
        };
        let mut wanted = parameters(&leaf.common_name, validity.until(self.validity.not_after));
        let names = CertificateParams::new(leaf.names.clone()).map_err(failed)?;
        wanted.subject_alt_names = names.subject_alt_names;
        wanted.use_authority_key_identifier_extension = true;
        wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if let Some(role) = leaf.role {
            wanted
                .distinguished_name
                .push(DnType::OrganizationName, role);
        }
        let purposes = [
            (leaf.serves, ExtendedKeyUsagePurpose::ServerAuth),
            (leaf.asks, ExtendedKeyUsagePurpose::ClientAuth),
        ];
        let purposes = purposes.into_iter();
        wanted.extended_key_usages = purposes
            .filter_map(|(wanted, purpose)| wanted.then_some(purpose))
            .collect();
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = wanted.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Its certificate, for those who shall trust it.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

fn parameters(name: &str, validity: Validity) -> CertificateParams {
    let mut wanted = CertificateParams::default();
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, name);
    wanted.not_before = validity.not_before.into();
    wanted.not_after = validity.not_after.into();
    wanted
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}
