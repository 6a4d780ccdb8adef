//! What a relay is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use daemon::connect::{Address, ClientTls};
use daemon::listen::{Exposure, Listen};
use registry::cluster::RegistrySettings;

use crate::page::PageConfig;

/// The TCP address that is served unless configured otherwise.
pub const DEFAULT_TCP: &str = "127.0.0.1:4245";

/// The configuration of one relay.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the relay, for a relay above it and for messages. Default: `relay`.
    pub name: String,
    /// Peers by address, as `NAME=ADDRESS` or `ADDRESS`.
    pub peers: Vec<NamedAddress>,
    /// A file with a peer in each line; followed while the relay runs.
    pub peers_file: Option<PathBuf>,
    /// The registry whose nodes are peers.
    pub registry: Option<RegistrySettings>,
    /// A server whose `peer.Peer` service tells of nodes.
    pub peer_service: Option<Address>,
    /// Authorities and our own certificate, for peers that are spoken to by TLS.
    pub peer_tls: Option<ClientTls>,
    /// Addresses to serve. Default: `127.0.0.1:4245`.
    pub listen: Vec<Listen>,
    /// The web page, which has ports of its own. Default: `127.0.0.1:12000`, if it is free.
    pub page: PageConfig,
    /// The network namespace of TCP listeners: a file such as `/run/netns/NAME`. Default: the relay's own, which is also
    /// that of its peers.
    pub listen_namespace: Option<PathBuf>,
    /// Who may be able to reach a TCP listener. Default: this machine only.
    pub exposure: Exposure,
    /// Peers whose clocks are further off are merged by corrected times. Default: 500 ms.
    pub skew_bound: Duration,
    /// How long one peer may keep the others' flows back. Default: 1 s.
    pub late_bound: Duration,
    /// Streams of clients at the same time; more are refused. Default: 128.
    pub streams: usize,
    /// Count connections and packets for pages (`tycho.v1.Dashboard`) also without a page of its own. Default: no.
    pub dashboard: bool,
}

/// A peer as a user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAddress {
    /// Its name until it says its own.
    pub name: Option<String>,
    /// Where it is.
    pub address: Address,
}

/// Why a text names no peer.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is no peer: {reason}; write ADDRESS or NAME=ADDRESS, as in `default/b=10.0.0.2:4244`"
)]
pub struct PeerParseError {
    text: String,
    reason: String,
}

impl std::str::FromStr for NamedAddress {
    type Err = PeerParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |reason: String| PeerParseError {
            text: text.to_owned(),
            reason,
        };
        let (name, address) = match text.split_once('=') {
            Some((name, address)) => (Some(name.trim()), address.trim()),
            None => (None, text.trim()),
        };
        if name.is_some_and(|name| name.is_empty() || name.chars().any(char::is_control)) {
            return Err(refuse("the name is empty or unprintable".to_owned()));
        }
        Ok(Self {
            name: name.map(str::to_owned),
            address: address
                .parse()
                .map_err(|error: daemon::connect::AddressError| refuse(error.to_string()))?,
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        let tcp = DEFAULT_TCP.parse();
        Self {
            name: "relay".to_owned(),
            peers: Vec::new(),
            peers_file: None,
            registry: None,
            peer_service: None,
            peer_tls: None,
            listen: vec![tcp.expect("the default address parses: a test starts with it")],
            page: PageConfig::default(),
            listen_namespace: None,
            exposure: Exposure::LoopbackOnly,
            skew_bound: Duration::from_millis(500),
            late_bound: Duration::from_secs(1),
            streams: 128,
            dashboard: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers() {
        let check = |text: &str, expect: Option<(Option<&str>, &str)>| {
            let parsed = text.parse::<NamedAddress>().ok();
            let parsed = parsed.map(|peer| (peer.name, peer.address.to_string()));
            let expect =
                expect.map(|(name, address)| (name.map(str::to_owned), address.to_owned()));
            assert_eq!(parsed, expect, "{text}");
        };
        check("10.0.0.2:4244", Some((None, "10.0.0.2:4244")));
        check(
            "default/b=tls://b:4244",
            Some((Some("default/b"), "tls://b:4244")),
        );
        check(
            " a = unix:///run/a.sock ",
            Some((Some("a"), "unix:///run/a.sock")),
        );
        check("=b:1", None);
        check("b", None);
        check("", None);
        assert_eq!(Config::default().listen.len(), 1);
    }
}
