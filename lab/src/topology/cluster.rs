//! Several nodes joined by a backbone, and faults of that backbone.

use super::cluster_commands::{
    BACKBONE_SYSCTLS, UPLINK, attach_line, backbone_lines, backbone_settings, detach_line,
    neighbour_lines, port, port_lines, uplink_lines,
};
use super::cluster_spec::ClusterBuilder;
use super::commands::{NODE_SYSCTLS, node_lines};
use super::node::{Node, TopologyError, configure};
use crate::address::InterfaceAddress;
use crate::ip_command::run_tc;
use crate::namespace::{Namespace, NamespaceError};

/// The longest that a packet waits in the queue of a slow link, in seconds; what comes then is dropped.
const SLOW_QUEUE_SECONDS: u64 = 1;
/// A bucket that cannot hold a packet lets none through.
const SMALLEST_BURST_BYTES: u64 = 3 * 1_600;

/// Nodes and the backbone between them. Dropping it removes their namespaces, unless [`Cluster::keep`] was called.
#[derive(Debug)]
pub struct Cluster {
    backbone: Namespace,
    addresses: Vec<InterfaceAddress>,
    members: Vec<Member>,
    kept: bool,
}

/// A node and its end of the backbone.
#[derive(Debug)]
struct Member {
    node: Node,
    addresses: Vec<InterfaceAddress>,
    port: String,
}

impl Cluster {
    pub(super) fn build(spec: ClusterBuilder) -> Result<Self, TopologyError> {
        let backbone = Namespace::create(&spec.backbone)?;
        // From here on a failure drops the cluster, which removes what was made.
        let mut cluster = Self {
            backbone,
            addresses: spec.addresses.clone(),
            members: Vec::new(),
            kept: false,
        };
        let settings = backbone_settings(&spec);
        let sysctls = [NODE_SYSCTLS, BACKBONE_SYSCTLS].concat();
        configure(&cluster.backbone, &sysctls, &node_lines(&settings))?;
        for member in &spec.members {
            let node = member.node.clone().build()?;
            configure(node.namespace(), &[], &uplink_lines(&spec.backbone, member))?;
            configure(&cluster.backbone, &[], &port_lines(member))?;
            cluster.members.push(Member {
                node,
                addresses: member.addresses.clone(),
                port: port(member.namespace()),
            });
        }
        for (place, member) in cluster.members.iter().enumerate() {
            let lines = neighbour_lines(&spec, place);
            configure(member.node.namespace(), &[], &lines)?;
        }
        configure(&cluster.backbone, &[], &backbone_lines(&spec))?;
        Ok(cluster)
    }

    /// The namespace between the nodes.
    pub fn backbone(&self) -> &Namespace {
        &self.backbone
    }

    /// The addresses of the backbone's own namespace.
    pub fn backbone_addresses(&self) -> &[InterfaceAddress] {
        &self.addresses
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The nodes, in the order of the description.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.members.iter().map(|member| &member.node)
    }

    /// The node at this place.
    ///
    /// # Errors
    /// There are fewer.
    pub fn node(&self, index: usize) -> Result<&Node, TopologyError> {
        self.member(index).map(|member| &member.node)
    }

    /// The same, to add and remove endpoints. An address in the subnet of one of its gateways is reachable at once.
    ///
    /// # Errors
    /// There are fewer.
    pub fn node_mut(&mut self, index: usize) -> Result<&mut Node, TopologyError> {
        let count = self.members.len();
        let member = self.members.get_mut(index);
        member
            .map(|member| &mut member.node)
            .ok_or(TopologyError::NoNode { index, count })
    }

    /// The addresses of a node on the backbone.
    ///
    /// # Errors
    /// There are fewer nodes.
    pub fn addresses(&self, index: usize) -> Result<&[InterfaceAddress], TopologyError> {
        self.member(index).map(|member| member.addresses.as_slice())
    }

    /// Cuts a node off: what it sends to the others and what they send to it vanishes. Nobody is told: links stay up,
    /// and nothing answers that something is unreachable. Cut off already is no error.
    ///
    /// # Errors
    /// There is no such node, or a command failed.
    pub fn partition(&self, index: usize) -> Result<(), TopologyError> {
        let line = detach_line(&self.member(index)?.port);
        configure(&self.backbone, &[], &[line])
    }

    /// Ends [`Cluster::partition`].
    ///
    /// # Errors
    /// There is no such node, or a command failed.
    pub fn heal(&self, index: usize) -> Result<(), TopologyError> {
        let line = attach_line(&self.member(index)?.port);
        configure(&self.backbone, &[], &[line])
    }

    /// Lets a node send and receive only so many bytes per second over the backbone. What is beyond waits up to a
    /// second, then it is dropped. Needs the kernel's token bucket (`sch_tbf`).
    ///
    /// # Errors
    /// There is no such node, or a command failed.
    pub fn slow(&self, index: usize, bytes_per_second: u64) -> Result<(), TopologyError> {
        // A tenth of a second's worth, since the kernel's clock may tick only every 10 ms.
        let burst = (bytes_per_second / 10).max(SMALLEST_BURST_BYTES);
        let queue = (bytes_per_second * SLOW_QUEUE_SECONDS).max(SMALLEST_BURST_BYTES);
        let rate = format!("{bytes_per_second}bps");
        let (burst, limit) = (burst.to_string(), (burst + queue).to_string());
        let bucket = [
            "root", "tbf", "rate", &rate, "burst", &burst, "limit", &limit,
        ];
        self.at_both_ends(index, |interface| {
            run_tc(&[&["qdisc", "replace", "dev", interface], &bucket[..]].concat())
        })
    }

    /// Ends [`Cluster::slow`].
    ///
    /// # Errors
    /// There is no such node, it was not slow, or a command failed.
    pub fn hurry(&self, index: usize) -> Result<(), TopologyError> {
        self.at_both_ends(index, |interface| {
            run_tc(&["qdisc", "delete", "dev", interface, "root"])
        })
    }

    fn at_both_ends<C>(&self, index: usize, command: C) -> Result<(), TopologyError>
    where
        C: Fn(&str) -> Result<(), crate::ip_command::IpCommandError> + Sync,
    {
        let member = self.member(index)?;
        let ends = [
            (member.node.namespace(), UPLINK),
            (&self.backbone, member.port.as_str()),
        ];
        for (namespace, interface) in ends {
            namespace
                .run(|| command(interface))?
                .map_err(|source| TopologyError::Links {
                    namespace: namespace.name().to_owned(),
                    source,
                })?;
        }
        Ok(())
    }

    fn member(&self, index: usize) -> Result<&Member, TopologyError> {
        let count = self.members.len();
        let member = self.members.get(index);
        member.ok_or(TopologyError::NoNode { index, count })
    }

    /// Leaves the namespaces in place when this is dropped; [`crate::sweep`] removes them later.
    pub fn keep(&mut self) {
        self.kept = true;
        for member in &mut self.members {
            member.node.keep();
        }
    }

    /// Removes everything, and says so if that fails (dropping cannot).
    ///
    /// # Errors
    /// The first namespace that could not be removed; the others are removed all the same.
    pub fn delete(mut self) -> Result<(), TopologyError> {
        self.kept = true;
        let mut first_error = Ok(());
        for member in self.members.drain(..) {
            let result = member.node.delete();
            first_error = first_error.and(result);
        }
        first_error.and(self.remove_backbone().map_err(TopologyError::from))
    }

    fn remove_backbone(&self) -> Result<(), NamespaceError> {
        self.backbone.delete()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.kept {
            // The nodes remove themselves. A drop has nobody to tell; a sweep finds what is left.
            drop(self.remove_backbone());
        }
    }
}
