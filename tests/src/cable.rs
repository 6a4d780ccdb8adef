//! Pulls and plugs the interface of a workload, as a container runtime does when it makes one anew.

use std::process::Command;

use lab::topology::{BRIDGE, ENDPOINT_INTERFACE};

use crate::site::Site;

/// Deletes the link of a workload, both ends of it.
pub fn unplug(site: &Site, name: &str) {
    let node = site.node.namespace().name();
    ip(&["-n", node, "link", "delete", &site.host_interface(name)]);
}

/// Makes it anew, with the addresses that it had.
pub fn plug(site: &Site, name: &str) {
    let (node, inner) = (site.node.namespace().name(), site.namespace(name).name());
    let outer_end = site.host_interface(name);
    let endpoint = site.node.endpoint(inner).expect("a known workload");
    let bytes = endpoint.mac_address().map(|byte| format!("{byte:02x}"));
    let mac = bytes.join(":");
    let veth = ["link", "add", &outer_end, "type", "veth"];
    let peer = ["peer", "name", ENDPOINT_INTERFACE, "address", &mac];
    ip(&[&["-n", node], &veth[..], &peer, &["netns", inner]].concat());
    ip(&[
        "-n", node, "link", "set", &outer_end, "master", BRIDGE, "up",
    ]);
    ip(&["-n", inner, "link", "set", ENDPOINT_INTERFACE, "up"]);
    for address in endpoint.addresses() {
        let length = if address.is_ipv6() { 64 } else { 24 };
        let address = format!("{address}/{length}");
        let add = ["address", "add", &address, "dev", ENDPOINT_INTERFACE];
        ip(&[&["-n", inner], &add[..]].concat());
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .expect("ip runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}
