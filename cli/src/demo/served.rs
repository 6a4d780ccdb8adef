//! Where the demo can be reached: the default addresses, as far as nobody has them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::node::DemoNode;
use super::place::Place;

/// The addresses of the demo's relay, and of one of its observers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// The relay's socket.
    pub(super) relay_socket: PathBuf,
    /// Its TCP address, where clients look first of all, unless somebody has it.
    pub(super) relay_tcp: Option<SocketAddr>,
    /// The socket where clients look for an observer: node a has it, unless somebody else does.
    pub(super) observer_socket: Option<PathBuf>,
    /// What differs from the default, and why.
    pub(super) notes: Vec<String>,
}

impl Served {
    /// The default addresses of this machine that are free.
    pub(super) fn choose(place: &Place) -> Self {
        let relay = relay::config::DEFAULT_TCP
            .parse()
            .expect("a test parses it");
        Self::among(place, relay)
    }

    fn among(place: &Place, relay: SocketAddr) -> Self {
        let files = place.files();
        let mut notes = Vec::new();
        let socket = place.socket();
        let taken = UnixStream::connect(&socket).is_ok();
        if taken {
            notes.push(format!(
                "{} belongs to an observer that runs; node a has only {}",
                socket.display(),
                files.observer_socket(DemoNode::A).display()
            ));
        }
        let free = TcpListener::bind(relay).map(drop);
        if let Err(error) = &free {
            let why = match error.kind() {
                io::ErrorKind::AddrInUse => "another program has it".to_owned(),
                _ => error.to_string(),
            };
            notes.push(format!(
                "the demo's relay does not serve {relay} ({why}), only its socket, as root"
            ));
        }
        Self {
            relay_socket: files.relay_socket(),
            relay_tcp: free.ok().map(|()| relay),
            observer_socket: (!taken).then_some(socket),
            notes,
        }
    }

    /// Whether a client that is told nothing does not find the relay.
    pub(super) fn is_hidden(&self) -> bool {
        self.relay_tcp.is_none()
    }

    /// The relay's socket as `--server` takes it.
    pub(super) fn relay(&self) -> String {
        format!("unix://{}", self.relay_socket.display())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::super::place::Place;
    use super::Served;

    #[test]
    fn what_is_taken_is_left_to_its_owner() {
        for (socket_taken, tcp_taken) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let directory = tempfile::tempdir().unwrap();
            let place = Place {
                run: directory.path().to_owned(),
                pins: directory.path().join("pins"),
            };
            let socket = socket_taken.then(|| UnixListener::bind(place.socket()).unwrap());
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = tcp.local_addr().unwrap();
            let tcp = tcp_taken.then_some(tcp);

            let served = Served::among(&place, address);
            assert_eq!(served.relay_tcp, (!tcp_taken).then_some(address));
            assert_eq!(served.is_hidden(), tcp_taken);
            let expect = (!socket_taken).then(|| place.socket());
            assert_eq!(served.observer_socket, expect);
            let notes = [socket_taken, tcp_taken];
            let notes = notes.into_iter().filter(|taken| *taken).count();
            assert_eq!(served.notes.len(), notes, "{:?}", served.notes);
            drop((socket, tcp));
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
