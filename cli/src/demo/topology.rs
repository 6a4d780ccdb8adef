//! The demo's network: one node, and a namespace for each endpoint of the file.

use std::net::IpAddr;

use lab::{EndpointSpec, InterfaceAddress, Node, NodeBuilder, TopologyError};
use registry::endpoint_file::{self, Attachment, EndpointFile};

/// What the names of all namespaces of the demo begin with.
pub(super) const NAMESPACE_PREFIX: &str = "tycho-demo-";

/// The namespace that is the node.
pub(super) const NODE_NAMESPACE: &str = "tycho-demo-node-a";

/// Addresses of the node; the endpoints lie in these subnets.
const GATEWAYS: [&str; 2] = ["10.1.0.1/24", "fd00:1::1/64"];

/// Makes the namespaces and joins them.
pub(super) fn build(file: &EndpointFile) -> Result<Node, TopologyError> {
    describe(file).build()
}

fn describe(file: &EndpointFile) -> NodeBuilder {
    let node = GATEWAYS
        .iter()
        .fold(NodeBuilder::new(NODE_NAMESPACE), |node, gateway| {
            let gateway: InterfaceAddress = gateway.parse().expect("a test builds with it");
            node.gateway(gateway)
        });
    file.endpoints.iter().fold(node, |node, endpoint| {
        let spec = EndpointSpec::new(namespace_name(endpoint));
        node.endpoint(endpoint.ips.iter().fold(spec, |spec, ip| match ip {
            IpAddr::V4(address) => spec.ipv4(*address),
            IpAddr::V6(address) => spec.ipv6(*address),
        }))
    })
}

/// The namespace of an endpoint of the demo.
pub(super) fn namespace_name(endpoint: &endpoint_file::EndpointSpec) -> &str {
    match &endpoint.attachment {
        Attachment::Netns(name) | Attachment::Interface(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifests;
    use super::{NAMESPACE_PREFIX, NODE_NAMESPACE, describe, namespace_name};

    #[test]
    fn the_file_describes_a_possible_network_that_a_sweep_finds() {
        let file = manifests::endpoints().unwrap();
        describe(&file).check().unwrap();
        let endpoints = file.endpoints.iter().map(namespace_name);
        for name in endpoints.chain([NODE_NAMESPACE]) {
            assert!(name.starts_with(NAMESPACE_PREFIX), "{name}");
        }
    }
}
