//! The demo's network: three nodes on a backbone, and a namespace for each endpoint of their files.

use std::net::IpAddr;

use lab::{Cluster, ClusterBuilder, EndpointSpec, NodeBuilder, TopologyError};
use registry::endpoint_file::{self, Attachment, EndpointFile};

use super::node::{self, DemoNode};

/// What the names of all namespaces of the demo begin with.
pub(super) const NAMESPACE_PREFIX: &str = "tycho-demo-";

/// The namespace between the nodes, where the relay and etcd run.
pub(super) const BACKBONE: &str = "tycho-demo-backbone";

/// Makes the namespaces and joins them.
pub(super) fn build(files: &[EndpointFile; 3]) -> Result<Cluster, TopologyError> {
    describe(files).build()
}

fn describe(files: &[EndpointFile; 3]) -> ClusterBuilder {
    let backbone = node::backbone_addresses()
        .into_iter()
        .fold(ClusterBuilder::new(BACKBONE), ClusterBuilder::address);
    DemoNode::ALL
        .into_iter()
        .zip(files)
        .fold(backbone, |cluster, (node, file)| {
            cluster.node(describe_node(node, file), node.backbone_addresses())
        })
}

fn describe_node(node: DemoNode, file: &EndpointFile) -> NodeBuilder {
    let builder = node
        .gateways()
        .into_iter()
        .fold(NodeBuilder::new(&node.namespace()), NodeBuilder::gateway);
    file.endpoints.iter().fold(builder, |builder, endpoint| {
        let spec = EndpointSpec::new(namespace_name(endpoint));
        builder.endpoint(endpoint.ips.iter().fold(spec, |spec, ip| match ip {
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
    use super::super::node::DemoNode;
    use super::{BACKBONE, NAMESPACE_PREFIX, describe, namespace_name};

    #[test]
    fn the_files_describe_a_possible_network_that_a_sweep_finds() {
        let files = manifests::endpoints().unwrap();
        describe(&files).check().unwrap();
        let endpoints = files.iter().flat_map(|file| &file.endpoints);
        let nodes = DemoNode::ALL.map(DemoNode::namespace);
        for name in endpoints
            .map(namespace_name)
            .chain(nodes.iter().map(String::as_str))
            .chain([BACKBONE])
        {
            assert!(name.starts_with(NAMESPACE_PREFIX), "{name}");
        }
    }
}
