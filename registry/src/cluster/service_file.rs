//! Services as YAML: what people write of a [`ServiceEntry`], one document each.

use serde_saphyr::DuplicateKeyPolicy;

use super::model::{ServiceEntry, ServicePort};
use crate::endpoint_file::check_namespace;

/// Addresses, ports and labels that one service may have, each.
const MAX_PARTS: usize = 128;

/// Protocols that have ports.
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// A text that is no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct ServiceFileError {
    /// The file as named by the caller.
    pub file: String,
    /// The line, counted from 1; 0 if it is about no line.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

/// Reads the services of a text; `file` is for messages.
///
/// # Errors
/// The first document that is no service.
pub fn read_services(file: &str, text: &str) -> Result<Vec<ServiceEntry>, ServiceFileError> {
    let error = |line: u64, reason: String| ServiceFileError {
        file: file.to_owned(),
        line,
        reason,
    };
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    let services: Vec<serde_saphyr::Spanned<ServiceEntry>> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|source| {
            let line = source.location().map_or(0, |location| location.line());
            error(line, source.to_string())
        })?;
    services
        .into_iter()
        .map(|service| {
            let line = service.referenced.line();
            match problem(&service.value) {
                Some(reason) => Err(error(line, reason)),
                None => Ok(service.value),
            }
        })
        .collect()
}

/// What is wrong with a service whose fields are there.
fn problem(service: &ServiceEntry) -> Option<String> {
    let names = [("namespace", &service.namespace), ("name", &service.name)];
    let name = names.into_iter().find_map(|(field, name)| {
        let error = check_namespace(name).err()?;
        Some(format!("{field}: {error}"))
    });
    let counts = [
        service.ips.len(),
        service.ports.len(),
        service.selector.len(),
    ];
    name.or_else(|| {
        (counts.into_iter().max() > Some(MAX_PARTS))
            .then(|| format!("at most {MAX_PARTS} addresses, ports or labels"))
    })
    .or_else(|| service.ports.iter().find_map(port_problem))
}

fn port_problem(port: &ServicePort) -> Option<String> {
    if port.port == 0 || port.target_port == Some(0) {
        return Some("ports: 0 is no port".to_owned());
    }
    (!PROTOCOLS.contains(&port.protocol.as_str())).then(|| {
        format!(
            "ports: protocol {:?} is none of {}",
            port.protocol,
            PROTOCOLS.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read() {
        let text = "namespace: shop\nname: web\nips: [10.96.0.1, 'fd00::1']\nports: [{port: 80, target_port: 8080}]\n\
                    selector: {role: web}\n---\nnamespace: shop\nname: dns\nports: [{name: dns, port: 53, protocol: UDP}]\n";
        let services = read_services("f", text).unwrap();
        assert_eq!(services.len(), 2);
        assert_eq!(services[0].ips.len(), 2);
        assert_eq!(services[0].ports[0].protocol, "TCP");
        assert_eq!(services[0].selector["role"], "web");
        assert_eq!(services[1].ports[0].name.as_deref(), Some("dns"));
        assert_eq!(read_services("f", "").unwrap(), []);
    }

    #[test]
    fn what_is_no_service_is_refused_with_its_place() {
        let check = |text: &str, expect: &str| {
            let error = read_services("f.yaml", text).unwrap_err().to_string();
            assert!(error.starts_with("f.yaml:"), "{error}");
            assert!(error.contains(expect), "{error}");
        };
        check("name: web", "namespace");
        check("namespace: shop\nname: web\nport: 80", "port");
        check(
            "namespace: Shop\nname: web",
            "namespace: `Shop` may hold only",
        );
        check("namespace: shop\nname: a/b", "name: `a/b` may hold only");
        check(
            "namespace: shop\nname: web\nports: [{port: 0}]",
            "0 is no port",
        );
        check(
            "namespace: shop\nname: web\nports: [{port: 80, protocol: ICMP}]",
            "\"ICMP\" is none of TCP, UDP, SCTP",
        );
        check("namespace: shop\nname: web\nips: [nowhere]", "IP address");
        check("- a", "");
    }
}
