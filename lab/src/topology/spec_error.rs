//! Why a described topology cannot be built.

use std::net::IpAddr;

use thiserror::Error;

use crate::address::InterfaceAddress;

/// Room for a number per port of the bridge (the kernel's own limit is 1,023).
pub(super) const MOST_ENDPOINTS: usize = 1_000;

/// Why a topology cannot be built as described.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// An interface's name does not fit the kernel.
    #[error("`{interface}` is not an interface name: 1 to 15 letters, digits, `-`, `_` or `.`")]
    InterfaceName {
        /// The name as given or derived.
        interface: String,
    },
    /// Two of the node's interfaces would have one name.
    #[error(
        "endpoints {first} and {second} would share the host interface {interface}; name one of them yourself"
    )]
    SharedInterface {
        /// The name.
        interface: String,
        /// One namespace.
        first: String,
        /// The other.
        second: String,
    },
    /// The name of the bridge, or of the loopback interface, is not free.
    #[error(
        "endpoint {namespace} cannot use the host interface {interface}: the node has one of that name"
    )]
    ReservedInterface {
        /// The name.
        interface: String,
        /// The endpoint.
        namespace: String,
    },
    /// Two endpoints, or an endpoint and the node, would be one namespace.
    #[error("namespace {namespace} is used twice")]
    SharedNamespace {
        /// The name.
        namespace: String,
    },
    /// Two interfaces would have one address.
    #[error("endpoint {namespace}: {address} is used twice")]
    SharedAddress {
        /// The endpoint.
        namespace: String,
        /// The address.
        address: IpAddr,
    },
    /// No gateway of the node is in an endpoint's subnet.
    #[error("endpoint {namespace}: no gateway of the node has {address} in its subnet")]
    NoGateway {
        /// The endpoint.
        namespace: String,
        /// The address.
        address: IpAddr,
    },
    /// An endpoint has neither address.
    #[error("endpoint {namespace} has no address; give it an IPv4 or an IPv6 address")]
    NoAddress {
        /// The endpoint.
        namespace: String,
    },
    /// The MTU is out of range.
    #[error("an MTU of {mtu_bytes} bytes is not between 1280 (what IPv6 needs) and 65535")]
    Mtu {
        /// As given.
        mtu_bytes: u32,
    },
    /// The bridge has no room for so many.
    #[error("{count} endpoints are more than the {MOST_ENDPOINTS} a node can have")]
    TooManyEndpoints {
        /// As given.
        count: usize,
    },
    /// A cluster's node cannot be reached by its neighbours.
    #[error("node {node} has no address on the backbone")]
    NoBackboneAddress {
        /// The node's namespace.
        node: String,
    },
    /// Two ends of the backbone would have one address.
    #[error("{address} is used twice on the backbone")]
    SharedBackboneAddress {
        /// The address.
        address: IpAddr,
    },
    /// Two ends of the backbone would not see each other.
    #[error(
        "{first} and {second} are not in one subnet, as all of one family on the backbone must be"
    )]
    BackboneSubnets {
        /// One address.
        first: InterfaceAddress,
        /// The other.
        second: InterfaceAddress,
    },
    /// A packet could go two ways.
    #[error("the subnets of {first} and {second} overlap; each node needs its own")]
    OverlappingSubnets {
        /// An address in one of them.
        first: InterfaceAddress,
        /// An address in the other.
        second: InterfaceAddress,
    },
}
