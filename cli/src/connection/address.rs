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

/// The same for what only an observer knows: the relay comes last.
pub(super) fn defaults_for_a_node() -> [Address; 3] {
    let [relay, observer, socket] = defaults();
    [socket, observer, relay]
}

/// The observer's socket.
pub(super) fn socket() -> Address {
    Target::Unix(PathBuf::from("/run/tycho/observer.sock")).into()
}

#[cfg(test)]
mod tests {
    use super::{defaults, defaults_for_a_change, defaults_for_a_node};

    #[test]
    fn who_is_asked_first() {
        let socket = "unix:///run/tycho/observer.sock";
        for (addresses, expected) in [
            (defaults(), ["localhost:4245", "localhost:4244", socket]),
            (
                defaults_for_a_node(),
                [socket, "localhost:4244", "localhost:4245"],
            ),
            (
                defaults_for_a_change(),
                [socket, "localhost:4245", "localhost:4244"],
            ),
        ] {
            assert_eq!(addresses.map(|address| address.to_string()), expected);
        }
    }
}
