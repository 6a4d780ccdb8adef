//! The `ip -batch` lines that make a node and its endpoints.

use std::net::IpAddr;

use super::names::{default_mac_address, format_mac_address};
use super::spec::{EndpointSpec, NodeSettings};
use super::{BRIDGE, ENDPOINT_INTERFACE};

/// Written before any link is made, so that links start with them. The kernel would otherwise
/// wait a second for duplicate addresses, ask for routers, tell senders of shorter ways, judge
/// packets by their return path, and hand bridged packets to iptables.
pub(super) const NODE_SYSCTLS: &[(&str, &str)] = &[
    ("bridge/bridge-nf-call-arptables", "0"),
    ("bridge/bridge-nf-call-iptables", "0"),
    ("bridge/bridge-nf-call-ip6tables", "0"),
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv6/conf/all/forwarding", "1"),
    ("ipv6/conf/default/forwarding", "1"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
];

/// The same for the inside of an endpoint.
pub(super) const ENDPOINT_SYSCTLS: &[(&str, &str)] = &[
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/all/accept_ra", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/all/router_solicitations", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
];

/// In the node: the bridge and its addresses. The bridge passes frames at once (no spanning tree)
/// and floods multicast (no snooping), so that neighbour discovery works from the first packet.
/// Its address is fixed: it would otherwise follow the ports that come and go.
pub(super) fn node_lines(settings: &NodeSettings) -> Vec<String> {
    let mac_address = format_mac_address(default_mac_address(&settings.namespace, BRIDGE));
    let mtu = settings.mtu_bytes;
    let mut lines = vec![
        "link set dev lo up".to_owned(),
        format!(
            "link add name {BRIDGE} address {mac_address} mtu {mtu} type bridge stp_state 0 forward_delay 0 \
             mcast_snooping 0"
        ),
    ];
    lines.extend(no_offload(settings, BRIDGE));
    lines.push(format!("link set dev {BRIDGE} up"));
    for gateway in &settings.gateways {
        lines.push(address_line(
            &gateway.to_string(),
            gateway.address(),
            BRIDGE,
        ));
    }
    lines
}

/// In the node: the veth pair of an endpoint, its far end already in the endpoint's namespace. The
/// node's end gets no link-local address: a bridge's port has no business of its own.
pub(super) fn join_lines(settings: &NodeSettings, spec: &EndpointSpec) -> Vec<String> {
    let host_interface = spec.host_interface_name();
    let host_mac = format_mac_address(default_mac_address(&settings.namespace, &host_interface));
    let mac = format_mac_address(default_mac_address(&spec.namespace, ENDPOINT_INTERFACE));
    let (mtu, namespace) = (settings.mtu_bytes, &spec.namespace);
    let mut lines = vec![format!(
        "link add name {host_interface} address {host_mac} mtu {mtu} type veth \
         peer name {ENDPOINT_INTERFACE} address {mac} mtu {mtu} netns {namespace}"
    )];
    lines.extend(no_offload(settings, &host_interface));
    lines.push(format!("link set dev {host_interface} addrgenmode none"));
    lines.push(format!("link set dev {host_interface} master {BRIDGE}"));
    lines.push(format!("link set dev {host_interface} up"));
    lines
}

/// In the endpoint: addresses and default routes.
pub(super) fn endpoint_lines(settings: &NodeSettings, spec: &EndpointSpec) -> Vec<String> {
    let mut lines = vec!["link set dev lo up".to_owned()];
    lines.extend(no_offload(settings, ENDPOINT_INTERFACE));
    lines.push(format!("link set dev {ENDPOINT_INTERFACE} up"));
    for address in spec.addresses() {
        if let Some(gateway) = settings.gateway_of(address) {
            let with_prefix = format!("{address}/{}", gateway.prefix_length());
            lines.push(address_line(&with_prefix, address, ENDPOINT_INTERFACE));
            let via = gateway.address();
            lines.push(format!(
                "route add default via {via} dev {ENDPOINT_INTERFACE}"
            ));
        }
    }
    lines
}

/// One segment per packet: TCP then builds packets no longer than the MTU. (ethtool's `tso off`
/// does less: the kernel falls back on GSO, which a packet passes before it is cut.)
fn no_offload(settings: &NodeSettings, interface: &str) -> Option<String> {
    (!settings.segmentation_offload).then(|| format!("link set dev {interface} gso_max_segs 1"))
}

pub(super) fn address_line(with_prefix: &str, address: IpAddr, interface: &str) -> String {
    let no_detection = if address.is_ipv6() { " nodad" } else { "" };
    format!("address add {with_prefix} dev {interface}{no_detection}")
}

#[cfg(test)]
mod tests {
    use super::super::spec::{EndpointSpec, NodeSettings};
    use super::{endpoint_lines, join_lines, node_lines};

    fn settings(segmentation_offload: bool) -> NodeSettings {
        NodeSettings {
            namespace: "lab-node".to_owned(),
            gateways: vec![
                "10.10.0.1/24".parse().unwrap(),
                "fd10::1/64".parse().unwrap(),
            ],
            mtu_bytes: 1_400,
            segmentation_offload,
        }
    }

    #[test]
    fn an_endpoint_takes_prefix_and_route_from_its_gateway() {
        let spec = EndpointSpec::new("lab-a").ipv4([10, 10, 0, 11].into());
        let expected = [
            "link set dev lo up",
            "link set dev eth0 up",
            "address add 10.10.0.11/24 dev eth0",
            "route add default via 10.10.0.1 dev eth0",
        ];
        assert_eq!(endpoint_lines(&settings(true), &spec), expected);
        let spec = EndpointSpec::new("lab-a").ipv6("fd10::11".parse().unwrap());
        let expected = [
            "link set dev lo up",
            "link set dev eth0 gso_max_segs 1",
            "link set dev eth0 up",
            "address add fd10::11/64 dev eth0 nodad",
            "route add default via fd10::1 dev eth0",
        ];
        assert_eq!(endpoint_lines(&settings(false), &spec), expected);
    }

    #[test]
    fn offload_is_switched_off_on_every_interface() {
        let spec = EndpointSpec::new("lab-a")
            .host_interface("v0")
            .ipv4([10, 10, 0, 11].into());
        for on in [true, false] {
            let settings = settings(on);
            for lines in [
                node_lines(&settings),
                join_lines(&settings, &spec),
                endpoint_lines(&settings, &spec),
            ] {
                let off = lines
                    .iter()
                    .filter(|line| line.ends_with("gso_max_segs 1"))
                    .count();
                assert_eq!(off, usize::from(!on), "{lines:?}");
            }
        }
    }

    #[test]
    fn the_far_end_is_made_in_its_namespace_with_the_same_mtu() {
        let spec = EndpointSpec::new("lab-a")
            .host_interface("v0")
            .ipv4([10, 10, 0, 11].into());
        let lines = join_lines(&settings(false), &spec);
        assert!(
            lines[0].starts_with("link add name v0 address 02:"),
            "{}",
            lines[0]
        );
        assert!(lines[0].ends_with(" mtu 1400 netns lab-a"), "{}", lines[0]);
        assert!(lines.contains(&"link set dev v0 master br0".to_owned()));
    }
}
