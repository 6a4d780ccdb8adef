//! The interfaces and addresses of network namespaces: which host end belongs to which endpoint.

mod addresses;
mod dump;
mod events;
mod inside;

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use addresses::addresses;
pub(crate) use dump::Link;
pub(crate) use events::LinkEvents;

use crate::config::namespace_path;
use inside::inside;

/// Why interfaces or addresses could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinksError {
    /// The namespace cannot be entered.
    #[error("cannot enter the network namespace {}; list them with `ip netns`", path.display())]
    Namespace {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel did not answer.
    #[error("cannot {operation}")]
    Kernel {
        /// What was asked.
        operation: &'static str,
        /// Its answer.
        #[source]
        source: io::Error,
    },
    /// The namespace of an endpoint has no veth.
    #[error("the network namespace {} has no veth whose other end is in the node's namespace", path.display())]
    NoVeth {
        /// Its file.
        path: PathBuf,
    },
    /// The namespace of an endpoint has several veths, so it is not known which one is meant.
    #[error("the network namespace {} has {count} veths whose other ends are in the node's namespace: name the host end with `interface:`", path.display())]
    SeveralVeths {
        /// Its file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
}

/// All links of a namespace; without one, of the caller's.
pub(crate) fn links(namespace: Option<&Path>) -> Result<Vec<Link>, LinksError> {
    inside(namespace, dump::links)?
}

/// The node's end of the veth of an endpoint's namespace, among the node's links.
pub(crate) fn host_end<'a>(netns: &str, node_links: &'a [Link]) -> Result<&'a Link, LinksError> {
    let path = namespace_path(netns);
    let inner = links(Some(&path))?;
    let ends: Vec<&Link> = inner
        .iter()
        .filter_map(|link| other_end(link, node_links))
        .collect();
    match ends.as_slice() {
        [end] => Ok(end),
        [] => Err(LinksError::NoVeth { path }),
        several => Err(LinksError::SeveralVeths {
            path,
            count: several.len(),
        }),
    }
}

/// Two veths are a pair if each names the other; numbers alone may repeat in other namespaces.
fn other_end<'a>(link: &Link, node_links: &'a [Link]) -> Option<&'a Link> {
    let peer = link.veth_peer()?;
    node_links
        .iter()
        .find(|end| end.ifindex == peer && end.veth_peer() == Some(link.ifindex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_name_each_other() {
        let veth = |ifindex, peer| Link {
            ifindex,
            name: format!("v{ifindex}"),
            kind: "veth".to_owned(),
            peer,
        };
        let node = [veth(7, 2), veth(8, 3), veth(9, 5)];
        let check = |link: Link, expect: Option<u32>| {
            assert_eq!(other_end(&link, &node).map(|end| end.ifindex), expect);
        };
        check(veth(2, 7), Some(7));
        check(veth(2, 8), None);
        check(veth(4, 11), None);
        let vlan = Link {
            kind: "vlan".to_owned(),
            ..veth(2, 7)
        };
        check(vlan, None);
    }

    #[test]
    fn this_namespace_has_a_loopback_and_its_address() {
        let links = links(None).unwrap();
        assert!(
            links
                .iter()
                .any(|link| link.name == "lo" && link.ifindex == 1)
        );
        let addresses = addresses(None).unwrap();
        assert!(addresses.iter().any(std::net::IpAddr::is_loopback));
    }

    #[test]
    fn a_missing_namespace_is_named() {
        let error = links(Some(Path::new("/run/netns/no-such-namespace"))).unwrap_err();
        assert!(error.to_string().contains("no-such-namespace"), "{error}");
    }
}
