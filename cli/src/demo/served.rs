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
    /// Where browsers find the page, unless somebody has it.
    pub(super) page: Option<SocketAddr>,
    /// The socket where clients look for an observer: node a has it, unless somebody else does.
    pub(super) observer_socket: Option<PathBuf>,
    /// What differs from the default, and why.
    pub(super) notes: Vec<String>,
}

impl Served {
    /// The default addresses of this machine that are free.
    pub(super) fn choose(place: &Place) -> Self {
        let [relay, page] = [relay::config::DEFAULT_TCP, relay::page::DEFAULT_PAGE]
            .map(|address| address.parse().expect("a test parses it"));
        Self::among(place, relay, page)
    }

    fn among(place: &Place, relay: SocketAddr, page: SocketAddr) -> Self {
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
        let relay_tcp = free(relay);
        if let Err(why) = &relay_tcp {
            notes.push(format!(
                "the demo's relay does not serve {relay} ({why}), only its socket, as root"
            ));
        }
        let page_tcp = free(page).or_else(|why| {
            let other = SocketAddr::new(page.ip(), 0);
            let other = TcpListener::bind(other).and_then(|listener| listener.local_addr());
            let other = other.map_err(|error| error.to_string())?;
            notes.push(format!(
                "the page is not at {page}, as it usually is ({why})"
            ));
            Ok(other)
        });
        if let Err(why) = &page_tcp {
            let why: &String = why;
            notes.push(format!("there is no page: {why}"));
        }
        Self {
            relay_socket: files.relay_socket(),
            relay_tcp: relay_tcp.ok(),
            page: page_tcp.ok(),
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

/// An address that nobody has now, or why it cannot be had.
fn free(address: SocketAddr) -> Result<SocketAddr, String> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err("another program has it".to_owned())
        }
        Err(error) => Err(error.to_string()),
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
        for taken in 0..8 {
            let [socket_taken, tcp_taken, page_taken] = [1, 2, 4].map(|bit| taken & bit != 0);
            let directory = tempfile::tempdir().unwrap();
            let place = Place {
                run: directory.path().to_owned(),
                pins: directory.path().join("pins"),
            };
            let socket = socket_taken.then(|| UnixListener::bind(place.socket()).unwrap());
            let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
            let [relay, page] = listeners
                .each_ref()
                .map(|listener| listener.local_addr().unwrap());
            let [tcp, browsers] = listeners;
            let kept = (tcp_taken.then_some(tcp), page_taken.then_some(browsers));

            let served = Served::among(&place, relay, page);
            assert_eq!(served.relay_tcp, (!tcp_taken).then_some(relay));
            assert_eq!(served.is_hidden(), tcp_taken);
            // Another port is found for people to look at.
            assert_eq!(served.page.unwrap() == page, !page_taken);
            let expect = (!socket_taken).then(|| place.socket());
            assert_eq!(served.observer_socket, expect);
            let notes = u32::count_ones(taken) as usize;
            assert_eq!(served.notes.len(), notes, "{:?}", served.notes);
            drop((socket, kept));
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
