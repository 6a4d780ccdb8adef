//! Where the demo's observer can be reached: the default addresses, as far as nobody has them.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use daemon::listen::Listen;

use super::place::Place;

/// Where clients look for a relay first of all.
const RELAY: &str = "127.0.0.1:4245";
const RELAY_TIMEOUT: Duration = Duration::from_millis(200);

/// The addresses of the demo's observer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// Its socket.
    pub(super) socket: PathBuf,
    /// Its TCP address, unless somebody has it.
    pub(super) tcp: Option<SocketAddr>,
    /// What differs from the default, and why.
    pub(super) notes: Vec<String>,
    /// Whether a client that is told nothing finds another server first.
    pub(super) hidden: bool,
}

impl Served {
    /// The default addresses of this machine that are free.
    pub(super) fn choose(place: &Place) -> Self {
        let tcp = observer::config::DEFAULT_TCP
            .parse()
            .expect("a test parses it");
        let relay = RELAY.parse().expect("a test parses it");
        Self::among(place, tcp, relay)
    }

    fn among(place: &Place, tcp: SocketAddr, relay: SocketAddr) -> Self {
        let mut notes = Vec::new();
        let mut socket = place.socket();
        if UnixStream::connect(&socket).is_ok() {
            let taken = socket.display().to_string();
            socket = place.files().directory.join("observer.sock");
            notes.push(format!(
                "{taken} belongs to an observer that runs; the demo has {}",
                socket.display()
            ));
        }
        let free = TcpListener::bind(tcp).map(drop);
        if let Err(error) = &free {
            let why = match error.kind() {
                io::ErrorKind::AddrInUse => "another program has it".to_owned(),
                _ => error.to_string(),
            };
            notes.push(format!(
                "the demo does not serve {tcp} ({why}), only its socket, as root"
            ));
        }
        let is_relay = TcpStream::connect_timeout(&relay, RELAY_TIMEOUT).is_ok();
        if is_relay {
            notes.push(format!("a server at {relay} answers before the demo does"));
        }
        Self {
            socket,
            hidden: is_relay || free.is_err(),
            tcp: free.ok().map(|()| tcp),
            notes,
        }
    }

    /// What the observer listens on.
    pub(super) fn listen(&self) -> Vec<Listen> {
        let tcp = self.tcp.map(|address| Listen::Tcp {
            host: address.ip().to_string(),
            port: address.port(),
        });
        std::iter::once(Listen::Unix(self.socket.clone()))
            .chain(tcp)
            .collect()
    }

    /// The socket as `--server` takes it.
    pub(super) fn server(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};
    use std::os::unix::net::UnixListener;

    use super::super::place::Place;
    use super::Served;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn what_is_taken_is_left_to_its_owner() {
        for (socket_taken, tcp_taken, relay_there) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (false, false, true),
            (true, true, true),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let place = Place {
                run: directory.path().to_owned(),
                pins: directory.path().join("pins"),
            };
            let socket = socket_taken.then(|| UnixListener::bind(place.socket()).unwrap());
            let ((tcp, tcp_address), (relay, relay_address)) = (listener(), listener());
            let tcp = tcp_taken.then_some(tcp);
            let relay = relay_there.then_some(relay);

            let served = Served::among(&place, tcp_address, relay_address);
            let expect = if socket_taken {
                place.files().directory.join("observer.sock")
            } else {
                place.socket()
            };
            assert_eq!(served.socket, expect);
            assert_eq!(served.tcp, (!tcp_taken).then_some(tcp_address));
            assert_eq!(served.hidden, tcp_taken || relay_there);
            assert_eq!(served.listen().len(), if tcp_taken { 1 } else { 2 });
            let taken = [socket_taken, tcp_taken, relay_there];
            let notes = taken.into_iter().filter(|taken| *taken).count();
            assert_eq!(served.notes.len(), notes, "{:?}", served.notes);
            drop((socket, tcp, relay));
        }
    }

    #[test]
    fn the_defaults_parse() {
        let directory = tempfile::tempdir().unwrap();
        Served::choose(&Place {
            run: directory.path().to_owned(),
            pins: directory.path().join("pins"),
        });
    }
}
