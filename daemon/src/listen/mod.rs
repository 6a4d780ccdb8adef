//! Where a server listens: parsing an address, binding it safely, accepting from it.

mod connection;
mod handshake;
mod incoming;
mod linger;
mod namespace;
mod peer;
mod transport;
mod unix;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::net::{TcpListener, UnixListener, lookup_host};

use crate::tls::ServerTls;

use namespace::NamespaceBindError;

pub use connection::Connection;
pub use incoming::Connections;
pub use peer::Peer;
pub use unix::UnixBindError;

/// An address to listen on: `unix:///run/tycho/observer.sock`, `unix:observer.sock`,
/// `tcp://127.0.0.1:4244`, `localhost:4244`, `[::1]:4244`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// A Unix socket at this path.
    Unix(PathBuf),
    /// A TCP port of a host name or address; port 0 lets the kernel choose.
    Tcp {
        /// Name or address, without the brackets of IPv6.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Why a text is no address to listen on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address to listen on: {reason}; write `unix:///path` or `host:port`")]
pub struct ListenParseError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FromStr for Listen {
    type Err = ListenParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|reason| ListenParseError {
            text: text.to_owned(),
            reason,
        })
    }
}

fn parse(text: &str) -> Result<Listen, &'static str> {
    if let Some(path) = text.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err("after `unix://` comes an absolute path");
        }
        return unix_path(path);
    }
    if let Some(path) = text.strip_prefix("unix:") {
        return unix_path(path);
    }
    let rest = text.strip_prefix("tcp://").unwrap_or(text);
    let (host, port) = rest.rsplit_once(':').ok_or("there is no port")?;
    let port = match port.parse() {
        Ok(number) if port.bytes().all(|byte| byte.is_ascii_digit()) => number,
        _ => return Err("the port is no number from 0 to 65535"),
    };
    let host = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inner) => inner,
        None if host.contains(':') => {
            return Err("an IPv6 address needs brackets, as in `[::1]:4244`");
        }
        None => host,
    };
    if host.is_empty() {
        return Err("there is no host; `127.0.0.1` is this machine only");
    }
    if host.contains(|c: char| c.is_whitespace() || "/[]@".contains(c)) {
        return Err("the host is no name and no address");
    }
    Ok(Listen::Tcp {
        host: host.to_owned(),
        port,
    })
}

fn unix_path(path: &str) -> Result<Listen, &'static str> {
    if path.is_empty() || path.ends_with('/') {
        return Err("there is no socket name in the path");
    }
    if path.starts_with('@') || path.contains('\0') {
        return Err("abstract sockets have no permissions, so they are not served");
    }
    Ok(Listen::Unix(PathBuf::from(path)))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) if path.is_absolute() => write!(f, "unix://{}", path.display()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Who may be able to reach a TCP listener.
#[derive(Clone, Debug, Default)]
pub enum Exposure {
    /// This machine only: anything but a loopback address is refused.
    #[default]
    LoopbackOnly,
    /// Any address: all connections over TCP are encrypted, by this.
    Tls(ServerTls),
    /// Any address although nothing is encrypted: the user has said so (`--insecure-bind`).
    InsecureBind,
}

/// Why an address could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The host has no address.
    #[error("cannot resolve the host of {listen}")]
    Resolve {
        /// The address asked for.
        listen: Listen,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address can be reached from other machines, and nothing protects it.
    #[error(
        "{listen} can be reached from other machines ({address}) and has no TLS: give it a certificate \
         (--tls-cert-file, --tls-key-file), listen on 127.0.0.1, or pass --insecure-bind, which gives up secrecy and authentication: \
         whoever reaches the port reads every flow"
    )]
    Exposed {
        /// The address asked for.
        listen: Listen,
        /// What it resolves to.
        address: SocketAddr,
    },
    /// Another process listens there.
    #[error(
        "{listen} is occupied: stop the process that listens there (`ss -ltnp`), or choose another port"
    )]
    TcpOccupied {
        /// The address asked for.
        listen: Listen,
    },
    /// The kernel refused the TCP address.
    #[error("cannot listen on {listen}")]
    Tcp {
        /// The address asked for.
        listen: Listen,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The namespace to listen in cannot be entered.
    #[error(
        "cannot listen on {listen} in the network namespace {}: entering it needs root (CAP_SYS_ADMIN)",
        path.display()
    )]
    Namespace {
        /// The address asked for.
        listen: Listen,
        /// The namespace's file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The Unix socket could not be bound.
    #[error(transparent)]
    Unix(#[from] UnixBindError),
}

/// A listener that is bound, so that clients may already connect; they are answered once it is
/// served. Dropping it removes its Unix socket.
#[derive(Debug)]
pub struct Bound {
    listener: Listener,
    address: Listen,
}

#[derive(Debug)]
enum Listener {
    Tcp {
        listener: TcpListener,
        tls: Option<ServerTls>,
    },
    Unix {
        // Before the listener, as `RemoveOnDrop` demands: fields are dropped in order.
        _remove: unix::RemoveOnDrop,
        listener: UnixListener,
    },
}

impl Listen {
    /// Binds the address. A Unix socket gets mode 0600 before anybody can connect; one left by a
    /// dead process is replaced, a live one is an error.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind(&self, exposure: Exposure) -> Result<Bound, BindError> {
        self.bind_in(None, exposure).await
    }

    /// The same, a TCP address in another network namespace: a file such as `/run/netns/NAME`. It needs CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind_in(
        &self,
        namespace: Option<&Path>,
        exposure: Exposure,
    ) -> Result<Bound, BindError> {
        match self {
            Self::Unix(path) => {
                let (remove, listener) = unix::bind(path).await?;
                Ok(Bound {
                    listener: Listener::Unix {
                        _remove: remove,
                        listener,
                    },
                    address: self.clone(),
                })
            }
            Self::Tcp { host, port } => self.bind_tcp(host, *port, namespace, exposure).await,
        }
    }

    async fn bind_tcp(
        &self,
        host: &str,
        port: u16,
        namespace: Option<&Path>,
        exposure: Exposure,
    ) -> Result<Bound, BindError> {
        let tcp_error = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::TcpOccupied {
                listen: self.clone(),
            },
            _ => BindError::Tcp {
                listen: self.clone(),
                source,
            },
        };
        let addresses: Vec<SocketAddr> = lookup_host((host, port))
            .await
            .map_err(|source| BindError::Resolve {
                listen: self.clone(),
                source,
            })?
            .collect();
        if matches!(exposure, Exposure::LoopbackOnly)
            && let Some(address) = addresses.iter().find(|address| !is_loopback(address))
        {
            return Err(BindError::Exposed {
                listen: self.clone(),
                address: *address,
            });
        }
        let listener = match namespace {
            None => TcpListener::bind(addresses.as_slice())
                .await
                .map_err(tcp_error)?,
            Some(path) => namespace::bind(path, &addresses).map_err(|error| match error {
                NamespaceBindError::Bind(source) => tcp_error(source),
                NamespaceBindError::Enter(source) => BindError::Namespace {
                    listen: self.clone(),
                    path: path.to_owned(),
                    source,
                },
            })?,
        };
        let real = listener.local_addr().map_err(tcp_error)?;
        Ok(Bound {
            listener: Listener::Tcp {
                listener,
                tls: match exposure {
                    Exposure::Tls(tls) => Some(tls.clone()),
                    Exposure::LoopbackOnly | Exposure::InsecureBind => None,
                },
            },
            address: Self::Tcp {
                host: real.ip().to_string(),
                port: real.port(),
            },
        })
    }
}

fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl Bound {
    /// The address as bound: with the real port where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> &Listen {
        &self.address
    }

    /// Whether its connections are encrypted.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        matches!(self.listener, Listener::Tcp { tls: Some(_), .. })
    }

    /// The same for a server that speaks HTTP/1.1 too: with TLS, clients must be told so.
    #[must_use]
    pub fn for_browsers(self) -> Self {
        let listener = match self.listener {
            Listener::Tcp { listener, tls } => Listener::Tcp {
                listener,
                tls: tls.map(ServerTls::with_http1),
            },
            unix @ Listener::Unix { .. } => unix,
        };
        Self { listener, ..self }
    }

    /// The TCP address, if it is one.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match &self.listener {
            Listener::Tcp { listener, .. } => listener.local_addr().ok(),
            Listener::Unix { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expect: &str| match text.parse::<Listen>() {
            Ok(listen) => assert_eq!(listen.to_string(), expect, "{text:?}"),
            Err(error) => assert!(error.reason.contains(expect), "{text:?}: {error}"),
        };
        check(
            "unix:///run/tycho/observer.sock",
            "unix:///run/tycho/observer.sock",
        );
        check("unix:/run/x.sock", "unix:///run/x.sock");
        check("unix:x.sock", "unix:x.sock");
        check("tcp://127.0.0.1:4244", "127.0.0.1:4244");
        check("localhost:4244", "localhost:4244");
        check("[::1]:0", "[::1]:0");
        check("unix://x.sock", "absolute");
        check("unix:", "no socket name");
        check("unix:///run/", "no socket name");
        check("unix:@abstract", "abstract");
        check("::1:4244", "brackets");
        check("localhost", "no port");
        check("localhost:", "no number");
        check("localhost:+1", "no number");
        check("localhost:65536", "no number");
        check(":4244", "no host");
        check("http://x:4244", "brackets");
        check("a b:1", "no name");
        check("", "no port");
    }

    #[tokio::test]
    async fn exposure() {
        let check = async |text: &str, exposure: Exposure, expect: bool| {
            let bound = text.parse::<Listen>().unwrap().bind(exposure.clone()).await;
            assert_eq!(bound.is_ok(), expect, "{text} {exposure:?}: {bound:?}");
        };
        check("127.0.0.1:0", Exposure::LoopbackOnly, true).await;
        check("127.3.2.1:0", Exposure::LoopbackOnly, true).await;
        check("0.0.0.0:0", Exposure::LoopbackOnly, false).await;
        check("[::]:0", Exposure::LoopbackOnly, false).await;
        check("0.0.0.0:0", Exposure::InsecureBind, true).await;
    }

    #[tokio::test]
    async fn the_real_port_is_reported_and_a_second_bind_says_occupied() {
        let listen: Listen = "127.0.0.1:0".parse().unwrap();
        let bound = listen.bind(Exposure::LoopbackOnly).await.unwrap();
        let port = bound.tcp_address().unwrap().port();
        assert_ne!(port, 0);
        assert_eq!(bound.address().to_string(), format!("127.0.0.1:{port}"));
        let error = bound
            .address()
            .bind(Exposure::LoopbackOnly)
            .await
            .unwrap_err();
        assert!(matches!(error, BindError::TcpOccupied { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_namespace_that_cannot_be_entered_is_named() {
        let listen: Listen = "127.0.0.1:0".parse().unwrap();
        let missing = Path::new("/run/netns/tycho-never-made");
        let bound = listen.bind_in(Some(missing), Exposure::LoopbackOnly).await;
        let error = bound.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("namespace /run/netns/tycho-never-made"),
            "{error}"
        );
        // What may be reached from other machines is no other there.
        let listen: Listen = "0.0.0.0:0".parse().unwrap();
        let bound = listen.bind_in(Some(missing), Exposure::LoopbackOnly).await;
        assert!(matches!(bound, Err(BindError::Exposed { .. })), "{bound:?}");
    }
}
