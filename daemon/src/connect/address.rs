//! Addresses of servers as users write them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A TCP port.
    Tcp {
        /// Name or address, without the brackets of IPv6.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket at this path.
    Unix(PathBuf),
}

/// What an address says of encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Nothing: an option decides.
    #[default]
    Unsaid,
    /// TLS: `tls://` or `https://`.
    Tls,
}

/// The address of a server: `host:port`, `[::1]:port`, `tls://host:port`, `unix:///path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Where it is.
    pub target: Target,
    /// What the address says of encryption.
    pub scheme: Scheme,
}

/// Text that is not the address of a server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not the address of a server; write host:port (localhost:4245, [::1]:4245), tls://host:port or \
     unix:///path/of/the.sock"
)]
pub struct AddressError(pub String);

/// What may stand before `host:port`; the schemes of gRPC's resolvers mean nothing more here.
const SCHEMES: [(&str, Scheme); 6] = [
    ("tls://", Scheme::Tls),
    ("https://", Scheme::Tls),
    ("tcp://", Scheme::Unsaid),
    ("http://", Scheme::Unsaid),
    ("dns:///", Scheme::Unsaid),
    ("passthrough:///", Scheme::Unsaid),
];

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| AddressError(text.to_owned()))
    }
}

impl FromStr for Target {
    type Err = AddressError;

    /// The same without a scheme that asks for encryption.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse()? {
            Address {
                target,
                scheme: Scheme::Unsaid,
            } => Ok(target),
            Address { .. } => Err(AddressError(text.to_owned())),
        }
    }
}

fn parse(text: &str) -> Option<Address> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return (!path.is_empty()).then(|| Target::Unix(PathBuf::from(path)).into());
    }
    let schemes = SCHEMES.iter();
    let (rest, scheme) = schemes
        .filter_map(|(prefix, scheme)| Some((text.strip_prefix(prefix)?, *scheme)))
        .next()
        .unwrap_or((text, Scheme::Unsaid));
    let (host, port) = rest.rsplit_once(':')?;
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = match inner {
        Some(address) => address,
        None if host.contains(':') => return None,
        None => host,
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    (!host.is_empty() && host.chars().all(fits)).then(|| Address {
        target: Target::Tcp {
            host: host.to_owned(),
            port,
        },
        scheme,
    })
}

impl From<Target> for Address {
    fn from(target: Target) -> Self {
        Self {
            target,
            scheme: Scheme::Unsaid,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Tls => write!(f, "tls://{}", self.target),
            Scheme::Unsaid => self.target.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Target};

    #[test]
    fn forms() {
        for (text, expected) in [
            ("localhost:4245", "localhost:4245"),
            ("tcp://10.0.0.1:4244", "10.0.0.1:4244"),
            ("dns:///relay:4244", "relay:4244"),
            ("[::1]:4245", "[::1]:4245"),
            ("tls://relay.example:4245", "tls://relay.example:4245"),
            ("https://[fd00::1]:4245", "tls://[fd00::1]:4245"),
            ("unix:///run/x.sock", "unix:///run/x.sock"),
            ("unix:/run/x.sock", "unix:///run/x.sock"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), expected);
            assert_eq!(
                text.parse::<Target>().is_ok(),
                !expected.starts_with("tls"),
                "{text}"
            );
        }
        for text in [
            "",
            "localhost",
            ":4245",
            "::1:4245",
            "h:0",
            "h:70000",
            "h/x:1",
            "a@b:1",
            "a b:1",
            "unix:",
            "tls://unix:/x",
            "tls://h",
            "ftp://h:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
