//! The addresses of a namespace's interfaces.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use nix::ifaddrs::getifaddrs;

use super::LinksError;
use super::inside::inside;

/// Every address of every interface of a namespace; without one, of the caller's.
pub(crate) fn addresses(namespace: Option<&Path>) -> Result<BTreeSet<IpAddr>, LinksError> {
    inside(namespace, here)?
}

fn here() -> Result<BTreeSet<IpAddr>, LinksError> {
    let interfaces = getifaddrs().map_err(|errno| LinksError::Kernel {
        operation: "read the addresses of the interfaces",
        source: errno.into(),
    })?;
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
    });
    Ok(addresses.collect())
}
