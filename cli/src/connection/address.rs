//! Where the CLI looks for a server if it is told nothing.

use std::path::PathBuf;

pub(crate) use daemon::connect::{Address, AddressError, Target};

/// The relay, the observer, the observer's socket.
pub(super) fn defaults() -> [Address; 3] {
    let local = |port| {
        let host = "localhost".to_owned();
        Target::Tcp { host, port }.into()
    };
    [local(4245), local(4244), socket()]
}

/// The same for a call that changes something: the socket takes it from whoever may open it.
pub(super) fn defaults_for_a_change() -> [Address; 3] {
    let [relay, observer, socket] = defaults();
    [socket, relay, observer]
}

/// The observer's socket.
pub(super) fn socket() -> Address {
    Target::Unix(PathBuf::from("/run/tycho/observer.sock")).into()
}

#[cfg(test)]
mod tests {
    use super::defaults_for_a_change;

    #[test]
    fn a_change_asks_the_socket_first() {
        let [first, ..] = defaults_for_a_change();
        assert_eq!(first.to_string(), "unix:///run/tycho/observer.sock");
    }
}
