//! Under which names the page may be asked for. A page of somebody else could make its own name stand for this machine's
//! address, and then read what the relay tells (DNS rebinding): it cannot do so under a name that the relay does not know.

use std::net::IpAddr;
use std::str::FromStr;

use axum::response::{IntoResponse as _, Response};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};

/// A name of the host by which people reach the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageName(String);

/// Why a text is no such name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no name of a host: write it without scheme and port, as in `tycho.example.org`")]
pub struct PageNameError(String);

impl FromStr for PageName {
    type Err = PageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        match !text.is_empty() && text.chars().all(is_name) {
            true => Ok(Self(plain(text))),
            false => Err(PageNameError(text.to_owned())),
        }
    }
}

/// The names of one listener.
#[derive(Clone, Debug)]
pub(super) struct Names {
    known: Vec<PageName>,
    /// The listener shows a certificate. A browser that has taken it for the name needs no second check.
    encrypted: bool,
}

impl Names {
    pub(super) fn new(known: Vec<PageName>, encrypted: bool) -> Self {
        Self { known, encrypted }
    }

    /// The refusal of a request under a name that is not known. What a proxy says of the name in other headers could be
    /// said by anybody.
    pub(super) fn refuse(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        if self.encrypted {
            return None;
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = match uri.authority() {
            Some(authority) => Some(host_of(authority)),
            None => host
                .and_then(|host| host.parse().ok())
                .map(|authority| host_of(&authority)),
        };
        let why = match host {
            Some(host) if self.is_known(&host) => return None,
            Some(host) => format!(
                "This server does not know itself as `{host}`. If people are to reach it by that name, start the relay \
                 with `--page-name {host}`; else use its address, or `localhost`.\n"
            ),
            None => "The request says no host.\n".to_owned(),
        };
        Some((StatusCode::FORBIDDEN, why).into_response())
    }

    fn is_known(&self, host: &str) -> bool {
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok()
            || self.known.iter().any(|name| name.0 == host)
    }
}

fn host_of(authority: &Authority) -> String {
    plain(authority.host().trim_matches(['[', ']']))
}

/// In the one form in which names are compared.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let check = |host: Option<&str>, expect: bool| {
            let names = Names::new(vec!["Tycho.example.org".parse().unwrap()], false);
            let mut headers = HeaderMap::new();
            // Nobody is believed who says so elsewhere.
            headers.insert("x-forwarded-host", "localhost".parse().unwrap());
            if let Some(host) = host {
                headers.insert(header::HOST, host.parse().unwrap());
            }
            let refusal = names.refuse(&"/".parse().unwrap(), &headers);
            assert_eq!(refusal.is_none(), expect, "{host:?}");
            let encrypted = Names::new(Vec::new(), true);
            assert!(encrypted.refuse(&"/".parse().unwrap(), &headers).is_none());
        };
        check(Some("localhost:12000"), true);
        check(Some("LOCALHOST"), true);
        check(Some("tycho.localhost:1"), true);
        check(Some("127.0.0.1:12000"), true);
        check(Some("[::1]:12000"), true);
        check(Some("10.0.0.7"), true);
        check(Some("tycho.example.org:12000"), true);
        check(Some("tycho.example.org."), true);
        check(Some("evil.example"), false);
        check(Some("127.0.0.1.evil.example"), false);
        check(Some("localhost.evil.example"), false);
        check(Some("evil-localhost"), false);
        check(Some("x@evil.example"), false);
        check(Some(""), false);
        check(None, false);
    }

    #[test]
    fn http_2_says_the_host_in_the_address() {
        let names = Names::new(Vec::new(), false);
        let refused = |uri: &str| {
            names
                .refuse(&uri.parse().unwrap(), &HeaderMap::new())
                .is_some()
        };
        assert!(!refused("http://localhost:12000/flows"));
        assert!(refused("http://evil.example/flows"));
    }

    #[test]
    fn names() {
        let check = |text: &str, expect: bool| {
            assert_eq!(text.parse::<PageName>().is_ok(), expect, "{text}");
        };
        check("tycho", true);
        check("tycho.example.org", true);
        check("", false);
        check("https://tycho", false);
        check("tycho:443", false);
        check("tycho/x", false);
    }
}
