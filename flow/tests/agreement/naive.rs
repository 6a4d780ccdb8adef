//! A naive reading of `FlowFilter`: over the decoded message, with nothing compiled.

use policy::{LabelSet, Selector};
use proto::flow::layer4::Protocol;
use proto::flow::{Endpoint, Flow, FlowFilter, NetworkInterface, TcpFlags, Verdict, Workload};

/// One field: nothing wanted, or any of the values.
fn any_of<T>(values: &[T], test: impl Fn(&T) -> bool) -> bool {
    values.is_empty() || values.iter().any(test)
}

fn ip_fits(wanted: &str, address: &str) -> bool {
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return false;
    };
    let (network, length) = match wanted.split_once('/') {
        Some((network, length)) => (network.parse().unwrap(), length.parse().unwrap()),
        None => (wanted.parse::<std::net::IpAddr>().unwrap(), 128u32),
    };
    let bits = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => (4, format!("{:032b}", address.to_bits())),
        std::net::IpAddr::V6(address) => (6, format!("{:0128b}", address.to_bits())),
    };
    let ((version, wanted), (other, has)) = (bits(network), bits(address));
    let length = (length as usize).min(wanted.len());
    version == other && wanted[..length] == has[..length]
}

fn port_of(flow: &Flow, source: bool) -> Option<u32> {
    let (source_port, destination_port) = match flow.l4.as_ref()?.protocol.as_ref()? {
        Protocol::Tcp(tcp) => (tcp.source_port, tcp.destination_port),
        Protocol::Udp(udp) => (udp.source_port, udp.destination_port),
        Protocol::Sctp(sctp) => (sctp.source_port, sctp.destination_port),
        _ => return None,
    };
    Some(if source {
        source_port
    } else {
        destination_port
    })
}

fn protocol_fits(flow: &Flow, name: &str) -> bool {
    let protocol = flow.l4.as_ref().and_then(|l4| l4.protocol.as_ref());
    matches!(
        (name.to_lowercase().as_str(), protocol),
        ("tcp", Some(Protocol::Tcp(_)))
            | ("udp", Some(Protocol::Udp(_)))
            | ("sctp", Some(Protocol::Sctp(_)))
            | ("icmp" | "icmpv4", Some(Protocol::IcmPv4(_)))
            | ("icmp" | "icmpv6", Some(Protocol::IcmPv6(_)))
    )
}

fn flags_fit(flow: &Flow, wanted: &TcpFlags) -> bool {
    let Some(Protocol::Tcp(tcp)) = flow.l4.as_ref().and_then(|l4| l4.protocol.as_ref()) else {
        return false;
    };
    let list = |flags: &TcpFlags| {
        [
            flags.fin, flags.syn, flags.rst, flags.psh, flags.ack, flags.urg, flags.ece, flags.cwr,
            flags.ns,
        ]
    };
    let has = list(tcp.flags.as_ref().unwrap());
    list(wanted)
        .into_iter()
        .zip(has)
        .all(|(wanted, has)| has || !wanted)
}

fn pod_fits(endpoint: &Endpoint, pattern: &str) -> bool {
    let (namespace, prefix) = pattern.split_once('/').unwrap_or(("default", pattern));
    if endpoint.namespace.is_empty() && endpoint.pod_name.is_empty() {
        return false;
    }
    (namespace.is_empty() || endpoint.namespace == namespace)
        && endpoint.pod_name.starts_with(prefix)
}

fn workload_fits(endpoint: &Endpoint, wanted: &Workload) -> bool {
    endpoint.workloads.iter().any(|workload| {
        (wanted.name.is_empty() || wanted.name == workload.name)
            && (wanted.kind.is_empty() || wanted.kind == workload.kind)
    })
}

fn label_fits(endpoint: &Endpoint, selector: &str) -> bool {
    Selector::parse(selector)
        .unwrap()
        .matches(&LabelSet::parse(&endpoint.labels).unwrap())
}

fn interface_fits(flow: &Flow, wanted: &NetworkInterface) -> bool {
    flow.interface.as_ref().is_some_and(|interface| {
        (wanted.index == 0 || wanted.index == interface.index)
            && (wanted.name.is_empty() || wanted.name == interface.name)
    })
}

/// One filter, read field by field from the message.
pub(crate) fn fits(filter: &FlowFilter, flow: &Flow) -> bool {
    let (source, destination) = (
        flow.source.as_ref().unwrap(),
        flow.destination.as_ref().unwrap(),
    );
    let ip = flow.ip.clone().unwrap_or_default();
    let event = flow.event_type.unwrap();
    let dropped = flow.verdict() == Verdict::Dropped;
    any_of(&filter.uuid, |uuid| *uuid == flow.uuid)
        && any_of(&filter.source_ip, |wanted| ip_fits(wanted, &ip.source))
        && any_of(&filter.destination_ip, |wanted| {
            ip_fits(wanted, &ip.destination)
        })
        && any_of(&filter.source_pod, |wanted| pod_fits(source, wanted))
        && any_of(&filter.destination_pod, |wanted| {
            pod_fits(destination, wanted)
        })
        && any_of(&filter.source_label, |wanted| label_fits(source, wanted))
        && any_of(&filter.destination_label, |wanted| {
            label_fits(destination, wanted)
        })
        && any_of(&filter.source_workload, |wanted| {
            workload_fits(source, wanted)
        })
        && any_of(&filter.destination_workload, |wanted| {
            workload_fits(destination, wanted)
        })
        && any_of(&filter.source_cluster_name, |wanted| {
            *wanted == source.cluster_name
        })
        && any_of(&filter.destination_cluster_name, |wanted| {
            *wanted == destination.cluster_name
        })
        && any_of(&filter.source_identity, |&wanted| wanted == source.identity)
        && any_of(&filter.destination_identity, |&wanted| {
            wanted == destination.identity
        })
        && any_of(&filter.source_port, |wanted| {
            port_of(flow, true) == wanted.parse().ok()
        })
        && any_of(&filter.destination_port, |wanted| {
            port_of(flow, false) == wanted.parse().ok()
        })
        && any_of(&filter.verdict, |&wanted| wanted == flow.verdict)
        && any_of(&filter.protocol, |wanted| protocol_fits(flow, wanted))
        && any_of(&filter.tcp_flags, |wanted| flags_fit(flow, wanted))
        && any_of(&filter.ip_version, |&wanted| wanted == ip.ip_version)
        && any_of(&filter.traffic_direction, |&wanted| {
            wanted == flow.traffic_direction
        })
        && any_of(&filter.drop_reason_desc, |&wanted| {
            dropped && wanted == flow.drop_reason_desc
        })
        && any_of(&filter.encrypted, |&wanted| wanted == ip.encrypted)
        && any_of(&filter.interface, |wanted| interface_fits(flow, wanted))
        && any_of(&filter.node_name, |wanted| {
            ["node-a", "default/", "*/n*"].contains(&wanted.as_str())
        })
        && any_of(&filter.event_type, |wanted| {
            (wanted.r#type == 0 || wanted.r#type == event.r#type)
                && (!wanted.match_sub_type || wanted.sub_type == event.sub_type)
        })
        && any_of(&filter.reply, |&wanted| {
            flow.is_reply == Some(wanted) || (flow.is_reply.is_none() && dropped && !wanted)
        })
}
