//! An endpoint that has been built: where it is and what it has counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ENDPOINT_INTERFACE;
use super::names::default_mac_address;
use super::spec::EndpointSpec;
use crate::counters::{CountersError, InterfaceCounters, interface_counters};
use crate::namespace::Namespace;

/// An endpoint that has been built.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) spec: EndpointSpec,
    pub(super) namespace: Namespace,
    pub(super) host_interface: String,
    pub(super) host_interface_index: u32,
    pub(super) host_mac_address: [u8; 6],
}

impl Endpoint {
    /// Its namespace; the interface inside is [`ENDPOINT_INTERFACE`].
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The node's end of its veth pair.
    pub fn host_interface(&self) -> &str {
        &self.host_interface
    }

    /// The kernel's number of the node's end, in the node's namespace.
    pub fn host_interface_index(&self) -> u32 {
        self.host_interface_index
    }

    /// The MAC address of the node's end.
    pub fn host_mac_address(&self) -> [u8; 6] {
        self.host_mac_address
    }

    /// The MAC address of its own end.
    pub fn mac_address(&self) -> [u8; 6] {
        default_mac_address(&self.spec.namespace, ENDPOINT_INTERFACE)
    }

    /// Its IPv4 address, if it has one.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.spec.ipv4
    }

    /// Its IPv6 address, if it has one.
    pub fn ipv6(&self) -> Option<Ipv6Addr> {
        self.spec.ipv6
    }

    /// Its addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        self.spec.addresses()
    }

    /// What its own end has counted.
    ///
    /// # Errors
    /// The namespace or the interface has gone.
    pub fn counters(&self) -> Result<InterfaceCounters, CountersError> {
        interface_counters(&self.namespace, ENDPOINT_INTERFACE)
    }
}
