//! The two ends of a flow by name: pod, service, domain names, address or MAC, with the port.

use proto::flow::{Endpoint, Flow, Service, layer4};

use super::color::{Paint, Palette};
use super::escape::escape;
use super::identity;

/// One end of a flow, ready to print.
pub(crate) struct End {
    /// Name and port.
    pub(crate) host: String,
    /// Identity in parentheses.
    pub(crate) identity: String,
}

/// How to show an end.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndStyle {
    /// Names rather than addresses.
    pub(super) translate: bool,
    /// Colours.
    pub(super) palette: Palette,
}

/// Source and destination without colours: by name, or by address.
pub(crate) fn plain(flow: &Flow, translate: bool) -> (End, End) {
    let palette = Palette::PLAIN;
    of(flow, EndStyle { translate, palette })
}

/// The names of source and destination without ports.
pub(super) fn names(flow: &Flow) -> (String, String) {
    let without_ports = Flow {
        l4: None,
        ..flow.clone()
    };
    let (source, destination) = plain(&without_ports, true);
    (source.host, destination.host)
}

/// Source and destination.
pub(super) fn of(flow: &Flow, style: EndStyle) -> (End, End) {
    let (source_port, destination_port) = ports(flow);
    let (source_ip, destination_ip) = match &flow.ip {
        Some(ip) => (Some(ip.source.as_str()), Some(ip.destination.as_str())),
        None => (None, None),
    };
    let (source_mac, destination_mac) = match &flow.ethernet {
        Some(ethernet) => (ethernet.source.as_str(), ethernet.destination.as_str()),
        None => ("", ""),
    };
    let source = Named {
        ip: source_ip,
        mac: source_mac,
        port: source_port,
        endpoint: flow.source.as_ref(),
        service: flow.source_service.as_ref(),
        domain_names: &flow.source_names,
    };
    let destination = Named {
        ip: destination_ip,
        mac: destination_mac,
        port: destination_port,
        endpoint: flow.destination.as_ref(),
        service: flow.destination_service.as_ref(),
        domain_names: &flow.destination_names,
    };
    (source.end(style), destination.end(style))
}

/// All that can name one end.
struct Named<'a> {
    ip: Option<&'a str>,
    mac: &'a str,
    port: u32,
    endpoint: Option<&'a Endpoint>,
    service: Option<&'a Service>,
    domain_names: &'a [String],
}

impl Named<'_> {
    fn end(&self, style: EndStyle) -> End {
        let identity = self.endpoint.map(|end| end.identity).unwrap_or_default();
        End {
            host: self.host(style),
            identity: style
                .palette
                .paint(Paint::Identity, &identity::shown(identity)),
        }
    }

    fn host(&self, style: EndStyle) -> String {
        let Some(ip) = self.ip else {
            return style.palette.paint(Paint::Host, &escape(self.mac));
        };
        let name = if style.translate { self.name() } else { None };
        let name = name.unwrap_or_else(|| ip.to_owned());
        let name = escape(&name);
        if self.port == 0 {
            return style.palette.paint(Paint::Host, &name);
        }
        let bracketed = if name.contains(':') || name.contains('%') {
            format!("[{name}]")
        } else {
            name.into_owned()
        };
        format!(
            "{}:{}",
            style.palette.paint(Paint::Host, &bracketed),
            style.palette.paint(Paint::Port, &self.port.to_string())
        )
    }

    fn name(&self) -> Option<String> {
        let pod = self
            .endpoint
            .filter(|endpoint| !endpoint.pod_name.is_empty());
        // A service's namespace, where there is a service, also stands for the pod's.
        let namespace = self
            .service
            .map(|service| service.namespace.as_str())
            .or_else(|| self.endpoint.map(|endpoint| endpoint.namespace.as_str()))
            .unwrap_or_default();
        let service = self.service.filter(|service| !service.name.is_empty());
        let name = match (pod, service) {
            (Some(pod), _) => &pod.pod_name,
            (None, Some(service)) => &service.name,
            (None, None) if self.domain_names.is_empty() => return None,
            (None, None) => return Some(self.domain_names.join(",")),
        };
        Some(if namespace.is_empty() {
            name.clone()
        } else {
            format!("{namespace}/{name}")
        })
    }
}

fn ports(flow: &Flow) -> (u32, u32) {
    match flow.l4.as_ref().and_then(|l4| l4.protocol.as_ref()) {
        Some(layer4::Protocol::Tcp(tcp)) => (tcp.source_port, tcp.destination_port),
        Some(layer4::Protocol::Udp(udp)) => (udp.source_port, udp.destination_port),
        Some(layer4::Protocol::Sctp(sctp)) => (sctp.source_port, sctp.destination_port),
        _ => (0, 0),
    }
}
