//! What a node and its endpoints shall be like, and whether that can be built.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names::{default_host_interface, is_valid_interface};
use super::node::{Node, TopologyError};
use super::spec_error::{MOST_ENDPOINTS, SpecError};
use super::{BRIDGE, ENDPOINT_INTERFACE};
use crate::address::InterfaceAddress;

/// One endpoint: a namespace with an `eth0`, joined to the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSpec {
    /// The name of its namespace.
    pub namespace: String,
    /// The node's end of the veth pair; derived from the namespace if not given.
    pub host_interface: Option<String>,
    /// Its IPv4 address, if it has one.
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address, if it has one.
    pub ipv6: Option<Ipv6Addr>,
}

impl EndpointSpec {
    /// An endpoint without addresses yet.
    pub fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            host_interface: None,
            ipv4: None,
            ipv6: None,
        }
    }

    /// Gives it an IPv4 address.
    #[must_use]
    pub fn ipv4(mut self, address: Ipv4Addr) -> Self {
        self.ipv4 = Some(address);
        self
    }

    /// Gives it an IPv6 address.
    #[must_use]
    pub fn ipv6(mut self, address: Ipv6Addr) -> Self {
        self.ipv6 = Some(address);
        self
    }

    /// Names the node's end of its veth pair.
    #[must_use]
    pub fn host_interface(mut self, name: &str) -> Self {
        self.host_interface = Some(name.to_owned());
        self
    }

    /// The node's end of its veth pair, as given or derived.
    pub fn host_interface_name(&self) -> String {
        self.host_interface
            .clone()
            .unwrap_or_else(|| default_host_interface(&self.namespace))
    }

    /// Its addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        self.ipv4
            .map(IpAddr::V4)
            .into_iter()
            .chain(self.ipv6.map(IpAddr::V6))
    }
}

/// What is common to a node and all of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeSettings {
    pub(super) namespace: String,
    pub(super) gateways: Vec<InterfaceAddress>,
    pub(super) mtu_bytes: u32,
    pub(super) segmentation_offload: bool,
}

impl NodeSettings {
    /// The gateway whose subnet holds the address.
    pub(super) fn gateway_of(&self, address: IpAddr) -> Option<InterfaceAddress> {
        self.gateways
            .iter()
            .copied()
            .find(|gateway| gateway.contains(address))
    }

    /// Whether `spec` can join a node that has `present` already.
    pub(super) fn check_endpoint(
        &self,
        present: &[EndpointSpec],
        spec: &EndpointSpec,
    ) -> Result<(), SpecError> {
        self.check_names(present, spec)?;
        if spec.addresses().next().is_none() {
            return Err(SpecError::NoAddress {
                namespace: spec.namespace.clone(),
            });
        }
        spec.addresses()
            .try_for_each(|address| self.check_address(present, spec, address))
    }

    fn check_names(&self, present: &[EndpointSpec], spec: &EndpointSpec) -> Result<(), SpecError> {
        let namespace = spec.namespace.clone();
        let interface = spec.host_interface_name();
        if !is_valid_interface(&interface) {
            return Err(SpecError::InterfaceName { interface });
        }
        if [BRIDGE, ENDPOINT_INTERFACE, "lo"].contains(&interface.as_str()) {
            return Err(SpecError::ReservedInterface {
                interface,
                namespace,
            });
        }
        if namespace == self.namespace || present.iter().any(|other| other.namespace == namespace) {
            return Err(SpecError::SharedNamespace { namespace });
        }
        if let Some(other) = present
            .iter()
            .find(|other| other.host_interface_name() == interface)
        {
            let first = other.namespace.clone();
            return Err(SpecError::SharedInterface {
                interface,
                first,
                second: namespace,
            });
        }
        Ok(())
    }

    fn check_address(
        &self,
        present: &[EndpointSpec],
        spec: &EndpointSpec,
        address: IpAddr,
    ) -> Result<(), SpecError> {
        let namespace = spec.namespace.clone();
        let mut taken = present.iter().flat_map(EndpointSpec::addresses);
        if taken.any(|other| other == address)
            || self
                .gateways
                .iter()
                .any(|gateway| gateway.address() == address)
        {
            return Err(SpecError::SharedAddress { namespace, address });
        }
        match self.gateway_of(address) {
            Some(_) => Ok(()),
            None => Err(SpecError::NoGateway { namespace, address }),
        }
    }
}

/// Describes a node, then builds it.
#[derive(Debug, Clone)]
pub struct NodeBuilder {
    pub(super) settings: NodeSettings,
    pub(super) endpoints: Vec<EndpointSpec>,
}

impl NodeBuilder {
    /// A node in a namespace of this name, with an MTU of 1500 and no segmentation offload: each
    /// packet on a veth pair is then what a wire would carry.
    pub fn new(namespace: &str) -> Self {
        let settings = NodeSettings {
            namespace: namespace.to_owned(),
            gateways: Vec::new(),
            mtu_bytes: 1_500,
            segmentation_offload: false,
        };
        Self {
            settings,
            endpoints: Vec::new(),
        }
    }

    /// Adds an address of the bridge, the default gateway of the endpoints in its subnet. More
    /// than one per family makes more than one subnet, between which the node routes.
    #[must_use]
    pub fn gateway(mut self, address: InterfaceAddress) -> Self {
        self.settings.gateways.push(address);
        self
    }

    /// Adds an endpoint.
    #[must_use]
    pub fn endpoint(mut self, spec: EndpointSpec) -> Self {
        self.endpoints.push(spec);
        self
    }

    /// Sets the MTU of every interface, in bytes.
    #[must_use]
    pub fn mtu_bytes(mut self, mtu_bytes: u32) -> Self {
        self.settings.mtu_bytes = mtu_bytes;
        self
    }

    /// Lets the kernel pass up to 64 KB through a veth pair as one packet (GSO), as it does unless
    /// told otherwise; faster, but a packet is then not a wire packet.
    #[must_use]
    pub fn segmentation_offload(mut self, on: bool) -> Self {
        self.settings.segmentation_offload = on;
        self
    }

    /// Checks the description as a whole, without touching the system.
    ///
    /// # Errors
    /// The first thing about it that cannot be built.
    pub fn check(&self) -> Result<(), SpecError> {
        let mtu_bytes = self.settings.mtu_bytes;
        if !(1_280..=65_535).contains(&mtu_bytes) {
            return Err(SpecError::Mtu { mtu_bytes });
        }
        let count = self.endpoints.len();
        if count > MOST_ENDPOINTS {
            return Err(SpecError::TooManyEndpoints { count });
        }
        for (index, spec) in self.endpoints.iter().enumerate() {
            self.settings
                .check_endpoint(&self.endpoints[..index], spec)?;
        }
        Ok(())
    }

    /// Makes the namespaces, links, addresses and routes. When a part of it fails, what was made
    /// is removed again.
    ///
    /// # Errors
    /// The description is wrong, a namespace exists already, or a command failed.
    pub fn build(self) -> Result<Node, TopologyError> {
        self.check()?;
        Node::build(self.settings, self.endpoints)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{EndpointSpec, NodeBuilder};

    fn node() -> NodeBuilder {
        let gateways = ["10.10.0.1/24", "fd10::1/64", "203.0.113.1/24"];
        gateways
            .iter()
            .fold(NodeBuilder::new("lab-node"), |node, gateway| {
                node.gateway(gateway.parse().unwrap())
            })
    }

    /// `namespace[@interface] address...`, as short as a case can be written.
    fn endpoint(text: &str) -> EndpointSpec {
        let mut words = text.split(' ');
        let name = words.next().unwrap();
        let (namespace, interface) = name.split_once('@').unwrap_or((name, ""));
        let spec = EndpointSpec::new(namespace);
        let spec = if interface.is_empty() {
            spec
        } else {
            spec.host_interface(interface)
        };
        words.fold(spec, |spec, address| match address.parse().unwrap() {
            IpAddr::V4(address) => spec.ipv4(address),
            IpAddr::V6(address) => spec.ipv6(address),
        })
    }

    fn check(node: &NodeBuilder, expected: &str) {
        let shown = node
            .check()
            .map_or_else(|error| error.to_string(), |()| "fine".to_owned());
        assert!(
            shown.contains(expected),
            "expected `{expected}`, not `{shown}`: {node:?}"
        );
    }

    #[test]
    fn which_endpoints_can_join() {
        let cases: [(&[&str], &str); 13] = [
            (&[], "fine"),
            (&["a 10.10.0.11 fd10::11", "b 10.10.0.12"], "fine"),
            (&["a fd10::12"], "fine"),
            (&["a 203.0.113.9"], "fine"),
            (&["a"], "a has no address"),
            (&["a 10.11.0.1"], "no gateway of the node has 10.11.0.1"),
            (
                &["a 10.10.0.11", "b 10.10.0.11"],
                "b: 10.10.0.11 is used twice",
            ),
            (&["a fd10::1"], "a: fd10::1 is used twice"),
            (&["a 10.10.0.11", "a 10.10.0.12"], "a is used twice"),
            (&["lab-node 10.10.0.12"], "lab-node is used twice"),
            (
                &["a@sixteen-letters- 10.10.0.11"],
                "`sixteen-letters-` is not an interface name",
            ),
            (&["a@br0 10.10.0.11"], "the node has one of that name"),
            (
                &["a@v0 10.10.0.11", "b@v0 10.10.0.12"],
                "a and b would share the host interface v0",
            ),
        ];
        for (endpoints, expected) in cases {
            let node = endpoints
                .iter()
                .fold(node(), |node, text| node.endpoint(endpoint(text)));
            check(&node, expected);
        }
    }

    #[test]
    fn which_mtu_can_be_had() {
        for (mtu_bytes, expected) in [
            (1_280, "fine"),
            (65_535, "fine"),
            (1_279, "1279 bytes is not between 1280"),
            (65_536, "65536 bytes is not between 1280"),
        ] {
            check(&node().mtu_bytes(mtu_bytes), expected);
        }
    }

    #[test]
    fn a_bridge_has_room_for_a_thousand() {
        let full = (0..1_000_u32).fold(node(), |node, number| {
            let text = format!("n{number} fd10::{:x}", number + 2);
            node.endpoint(endpoint(&text))
        });
        check(&full, "fine");
        check(
            &full.endpoint(endpoint("last fd10::ffff")),
            "1001 endpoints are more than the 1000",
        );
    }
}
