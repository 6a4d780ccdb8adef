//! How other machines reach this observer.

use std::net::{IpAddr, SocketAddr};

use daemon::listen::Bound;
use daemon::tls::server_name;
use registry::endpoint_file::DEFAULT_CLUSTER;

use crate::config::Config;
use crate::control::Reachable;
use crate::desired::is_usable;
use crate::links;

/// As configured, else by the first TCP address that is not the machine's own only. The node is `cluster/node`.
pub(crate) fn reachable(config: &Config, node_name: &str, bound: &[Bound]) -> Reachable {
    let tcp: Vec<(&Bound, SocketAddr)> = bound
        .iter()
        .filter_map(|bound| Some((bound, bound.tcp_address()?)))
        .collect();
    let served = tcp.iter().find(|(_, address)| !address.ip().is_loopback());
    let chosen = served.or(tcp.first());
    let has_tls = chosen.is_some_and(|(bound, _)| bound.has_tls());
    let address = config.advertise.clone();
    Reachable {
        address: address.or_else(|| dialled(served?.1)),
        tls_server_name: has_tls.then(|| tls_name(node_name)),
    }
}

/// The name on the certificate of the node `cluster/node`.
pub(crate) fn tls_name(node_name: &str) -> String {
    let (cluster, node) = node_name
        .split_once('/')
        .unwrap_or((DEFAULT_CLUSTER, node_name));
    server_name(node, cluster)
}

/// What another machine dials. A listener at every address of this process's namespace is at some of them, too; whoever
/// wants a certain one says so.
fn dialled(mut address: SocketAddr) -> Option<String> {
    if address.ip().is_unspecified() {
        let own = links::addresses(None).ok()?;
        let usable: Vec<IpAddr> = own.into_iter().filter(is_usable).collect();
        let mut same_family = usable.iter();
        let found = same_family.find(|ip| ip.is_ipv4() == address.is_ipv4());
        address.set_ip(*found.or(usable.first())?);
    }
    Some(address.to_string())
}
