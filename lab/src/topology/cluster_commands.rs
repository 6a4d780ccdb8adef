//! The `ip -batch` lines that join nodes by a backbone.

use super::BRIDGE;
use super::cluster_spec::{ClusterBuilder, MemberSpec};
use super::commands::address_line;
use super::names::{default_host_interface, default_mac_address, format_mac_address};
use super::spec::NodeSettings;
use crate::address::InterfaceAddress;

/// The interface of every node of a cluster towards the others.
pub const UPLINK: &str = "eth0";

/// The kernel's number of that interface, which the backbone's end never has: two ends with one number look to the
/// kernel like an interface without another end, and it then takes up to a second to say that the link is up (Linux
/// 6.18, `net/core/link_watch.c`: `linkwatch_urgent_event`). Until then a bridge sends nothing there.
const UPLINK_INDEX: u32 = 1_000_000;

/// A port that is off the bridge answers for no address of the backbone's namespace.
pub(super) const BACKBONE_SYSCTLS: &[(&str, &str)] = &[
    ("ipv4/conf/all/arp_ignore", "1"),
    ("ipv4/conf/default/arp_ignore", "1"),
];

/// The backbone's end of a node's link.
pub(super) fn port(node_namespace: &str) -> String {
    default_host_interface(node_namespace)
}

/// In the backbone: its bridge, as that of a node.
pub(super) fn backbone_settings(cluster: &ClusterBuilder) -> NodeSettings {
    let members = cluster.members.iter();
    let mtus = members.map(|member| member.node.settings.mtu_bytes);
    NodeSettings {
        namespace: cluster.backbone.clone(),
        gateways: cluster.addresses.clone(),
        mtu_bytes: mtus.max().unwrap_or(1_500),
        segmentation_offload: false,
    }
}

/// In the node: its link to the backbone, and its addresses there.
pub(super) fn uplink_lines(backbone: &str, member: &MemberSpec) -> Vec<String> {
    let namespace = member.namespace();
    let (port, mtu) = (port(namespace), member.node.settings.mtu_bytes);
    let port_mac = format_mac_address(default_mac_address(backbone, &port));
    let mac = uplink_mac(namespace);
    let mut lines = vec![
        format!(
            "link add name {UPLINK} index {UPLINK_INDEX} address {mac} mtu {mtu} type veth \
             peer name {port} address {port_mac} mtu {mtu} netns {backbone}"
        ),
        format!("link set dev {UPLINK} gso_max_segs 1"),
        format!("link set dev {UPLINK} up"),
    ];
    for address in &member.addresses {
        let with_prefix = address.to_string();
        lines.push(address_line(&with_prefix, address.address(), UPLINK));
    }
    lines
}

/// In the backbone: a node's link becomes a port of the bridge.
pub(super) fn port_lines(member: &MemberSpec) -> Vec<String> {
    let port = port(member.namespace());
    vec![
        format!("link set dev {port} gso_max_segs 1"),
        format!("link set dev {port} addrgenmode none"),
        attach_line(&port),
        format!("link set dev {port} up"),
    ]
}

/// Puts a port on the bridge.
pub(super) fn attach_line(port: &str) -> String {
    format!("link set dev {port} master {BRIDGE}")
}

/// Takes a port off the bridge. The link stays up, and whatever arrives at either end of it goes nowhere.
pub(super) fn detach_line(port: &str) -> String {
    format!("link set dev {port} nomaster")
}

/// In the node of this place: how to reach each of the others and their endpoints. Neighbours are fixed, so that a
/// packet to a node that is cut off is sent and lost, where a question for its MAC address would fail.
pub(super) fn neighbour_lines(cluster: &ClusterBuilder, place: usize) -> Vec<String> {
    let backbone_mac = format_mac_address(default_mac_address(&cluster.backbone, BRIDGE));
    let backbone = cluster.addresses.iter();
    let mut lines: Vec<String> = backbone
        .map(|address| neighbour_line(*address, &backbone_mac, UPLINK))
        .collect();
    for (index, member) in cluster.members.iter().enumerate() {
        if index != place {
            lines.extend(ways_to(member, UPLINK));
        }
    }
    lines
}

/// In the backbone: how to reach each node and its endpoints.
pub(super) fn backbone_lines(cluster: &ClusterBuilder) -> Vec<String> {
    let has = |ipv6: bool| {
        let mut addresses = cluster.addresses.iter();
        addresses.any(|own| own.address().is_ipv6() == ipv6)
    };
    let families = [has(false), has(true)];
    // Without an address of its own there is no way to anybody.
    let reachable = |address: InterfaceAddress| families[usize::from(address.address().is_ipv6())];
    let members = cluster.members.iter();
    members
        .flat_map(|member| {
            let mut known = member.clone();
            known.addresses.retain(|address| reachable(*address));
            ways_to(&known, BRIDGE)
        })
        .collect()
}

fn ways_to(member: &MemberSpec, interface: &str) -> Vec<String> {
    let mac = uplink_mac(member.namespace());
    let mut lines: Vec<String> = member
        .addresses
        .iter()
        .map(|address| neighbour_line(*address, &mac, interface))
        .collect();
    for subnet in member.subnets() {
        let family = subnet.address().is_ipv6();
        let mut vias = member.addresses.iter();
        if let Some(via) = vias.find(|via| via.address().is_ipv6() == family) {
            let (network, via) = (subnet.network(), via.address());
            lines.push(format!("route add {network} via {via} dev {interface}"));
        }
    }
    lines
}

fn neighbour_line(address: InterfaceAddress, mac: &str, interface: &str) -> String {
    let address = address.address();
    format!("neighbour replace {address} lladdr {mac} dev {interface} nud permanent")
}

fn uplink_mac(namespace: &str) -> String {
    format_mac_address(default_mac_address(namespace, UPLINK))
}

#[cfg(test)]
mod tests {
    use super::super::cluster_spec::ClusterBuilder;
    use super::super::spec::NodeBuilder;
    use super::{backbone_lines, neighbour_lines, uplink_mac};

    fn cluster() -> ClusterBuilder {
        let parse = |text: &str| text.parse().unwrap();
        let node = |name: &str, gateways: [&str; 2]| {
            gateways.iter().fold(NodeBuilder::new(name), |node, text| {
                node.gateway(parse(text))
            })
        };
        ClusterBuilder::new("lab-backbone")
            .address(parse("10.9.0.254/24"))
            .node(
                node("lab-a", ["10.1.0.1/24", "fd01::1/64"]),
                ["10.9.0.1/24", "fd09::1/64"].map(parse),
            )
            .node(
                node("lab-b", ["10.2.0.1/24", "fd02::1/64"]),
                ["10.9.0.2/24"].map(parse),
            )
    }

    #[test]
    fn a_node_knows_the_others_and_not_itself() {
        let (a, b) = (uplink_mac("lab-a"), uplink_mac("lab-b"));
        let lines = neighbour_lines(&cluster(), 0);
        // The backbone's own address comes first; node b has no IPv6 on it, so there is no way to its IPv6 subnet.
        assert!(lines[0].starts_with("neighbour replace 10.9.0.254 lladdr 02:"));
        assert_eq!(
            lines[1..],
            [
                format!("neighbour replace 10.9.0.2 lladdr {b} dev eth0 nud permanent"),
                "route add 10.2.0.0/24 via 10.9.0.2 dev eth0".to_owned(),
            ]
        );
        assert_eq!(
            neighbour_lines(&cluster(), 1)[1..],
            [
                format!("neighbour replace 10.9.0.1 lladdr {a} dev eth0 nud permanent"),
                format!("neighbour replace fd09::1 lladdr {a} dev eth0 nud permanent"),
                "route add 10.1.0.0/24 via 10.9.0.1 dev eth0".to_owned(),
                "route add fd01::/64 via fd09::1 dev eth0".to_owned(),
            ]
        );
    }

    #[test]
    fn the_backbone_reaches_the_families_that_it_has() {
        let lines = backbone_lines(&cluster());
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(
            lines
                .iter()
                .all(|line| line.ends_with("dev br0") || line.ends_with("dev br0 nud permanent"))
        );
        assert!(!lines.iter().any(|line| line.contains("fd0")), "{lines:?}");
    }
}
