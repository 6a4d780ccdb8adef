//! Addresses of servers as users write them.

use std::fmt;
use std::path::PathBuf;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `host:port`
    Tcp(String),
    /// `unix:///path`
    Unix(PathBuf),
}

/// Text that is not the address of a server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// Neither form fits.
    #[error(
        "{0:?} is not the address of a server; write host:port (localhost:4245, [::1]:4245) or unix:///path/of/the.sock"
    )]
    Form(String),
    /// TLS.
    #[error("{0:?}: this version speaks to servers without TLS only; write host:port")]
    Tls(String),
}

impl Address {
    /// Where the CLI looks if it is told nothing: the relay, the observer, the observer's socket.
    pub(super) fn defaults() -> [Self; 3] {
        [
            Self::Tcp("localhost:4245".to_owned()),
            Self::Tcp("localhost:4244".to_owned()),
            Self::socket(),
        ]
    }

    /// The same for a call that changes something: only the socket takes it.
    pub(super) fn defaults_for_a_change() -> [Self; 3] {
        let [relay, observer, socket] = Self::defaults();
        [socket, relay, observer]
    }

    /// The observer's socket.
    pub(super) fn socket() -> Self {
        Self::Unix(PathBuf::from("/run/tycho/observer.sock"))
    }

    /// Reads an address.
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        if text.starts_with("tls://") || text.starts_with("https://") {
            return Err(AddressError::Tls(text.to_owned()));
        }
        let error = || AddressError::Form(text.to_owned());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(error())
            } else {
                Ok(Self::Unix(PathBuf::from(path)))
            };
        }
        let rest = ["tcp://", "http://", "dns:///", "passthrough:///"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text);
        let (host, port) = rest.rsplit_once(':').ok_or_else(error)?;
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let host_fits = !host.is_empty()
            && (bracketed || !host.contains(':'))
            && !host.contains(['/', '@', ' ']);
        if host_fits && port.parse::<u16>().is_ok_and(|port| port > 0) {
            Ok(Self::Tcp(rest.to_owned()))
        } else {
            Err(error())
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_change_asks_the_socket_first() {
        let [first, ..] = Address::defaults_for_a_change();
        assert_eq!(first.to_string(), "unix:///run/tycho/observer.sock");
    }

    #[test]
    fn forms() {
        for (text, expected) in [
            ("localhost:4245", "localhost:4245"),
            ("tcp://10.0.0.1:4244", "10.0.0.1:4244"),
            ("[::1]:4245", "[::1]:4245"),
            ("unix:///run/x.sock", "unix:///run/x.sock"),
            ("unix:/run/x.sock", "unix:///run/x.sock"),
        ] {
            assert_eq!(Address::parse(text).expect(text).to_string(), expected);
        }
        for text in [
            "",
            "localhost",
            ":4245",
            "::1:4245",
            "h:0",
            "h:70000",
            "h/x:1",
            "unix:",
            "tls://h:1",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
