//! What two endpoint files may not both have: a name, an address, an interface.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use crate::endpoint_file::{Attachment, EndpointFile, EndpointSpec};

/// Two endpoints that cannot both be, and where each is defined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of `{name}` ({}:{line}) is already that of `{other_name}` ({}:{other_line})", what, path.display(), other_path.display())]
pub struct Clash {
    /// What both have.
    pub what: Shared,
    /// The endpoint of the second file.
    pub name: String,
    /// The second file.
    pub path: PathBuf,
    /// Its line there; 0 if it has none yet.
    pub line: u64,
    /// The endpoint of the first file.
    pub other_name: String,
    /// The first file.
    pub other_path: PathBuf,
    /// Its line there.
    pub other_line: u64,
}

/// What can be shared by mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// `namespace/name`.
    Name,
    /// An address.
    Address(std::net::IpAddr),
    /// The interface or network namespace.
    Attachment(Attachment),
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("the name"),
            Self::Address(address) => write!(f, "the address {address}"),
            Self::Attachment(Attachment::Netns(netns)) => {
                write!(f, "the network namespace `{netns}`")
            }
            Self::Attachment(Attachment::Interface(interface)) => {
                write!(f, "the interface `{interface}`")
            }
        }
    }
}

/// Whether two files can hold together.
///
/// # Errors
/// The first clash, in the order of the second file.
pub fn clash(first: &EndpointFile, second: &EndpointFile) -> Result<(), Box<Clash>> {
    let mut names = HashMap::new();
    let mut addresses = HashMap::new();
    let mut attachments = HashMap::new();
    for spec in &first.endpoints {
        names.insert(spec.qualified_name(), spec);
        attachments.insert(&spec.attachment, spec);
        addresses.extend(spec.ips.iter().map(|address| (*address, spec)));
    }
    for spec in &second.endpoints {
        let refuse = |what: Shared, other: &EndpointSpec| Clash {
            what,
            name: spec.qualified_name(),
            path: second.path.clone(),
            line: spec.line,
            other_name: other.qualified_name(),
            other_path: first.path.clone(),
            other_line: other.line,
        };
        if let Some(other) = names.get(&spec.qualified_name()) {
            return Err(Box::new(refuse(Shared::Name, other)));
        }
        if let Some(other) = attachments.get(&spec.attachment) {
            return Err(Box::new(refuse(
                Shared::Attachment(spec.attachment.clone()),
                other,
            )));
        }
        for address in &spec.ips {
            if let Some(other) = addresses.get(address) {
                return Err(Box::new(refuse(Shared::Address(*address), other)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint_file::parse;
    use std::path::Path;

    #[test]
    fn a_clash_names_both_places() {
        let read = |path: &str, endpoint: &str| {
            parse(
                Path::new(path),
                &format!("node: n\nendpoints:\n- {endpoint}\n"),
            )
            .unwrap()
        };
        let first = read(
            "e.yaml",
            "{name: a, namespace: s, netns: a, ips: [10.0.0.1, 10.0.0.2]}",
        );
        for (endpoint, expect) in [
            ("{name: a, netns: b, ips: [10.0.0.3]}", None),
            (
                "{name: a, namespace: s, netns: b, ips: [10.0.0.3]}",
                Some("the name of `s/a` (api.yaml:3) is already that of `s/a` (e.yaml:3)"),
            ),
            (
                "{name: b, netns: b, ips: [10.0.0.2]}",
                Some(
                    "the address 10.0.0.2 of `b` (api.yaml:3) is already that of `s/a` (e.yaml:3)",
                ),
            ),
            (
                "{name: b, netns: a, ips: [10.0.0.3]}",
                Some(
                    "the network namespace `a` of `b` (api.yaml:3) is already that of `s/a` (e.yaml:3)",
                ),
            ),
            ("{name: b, interface: a, ips: [10.0.0.3]}", None),
        ] {
            let second = read("api.yaml", endpoint);
            let found = clash(&first, &second);
            let found = found.err().map(|clash| clash.to_string());
            assert_eq!(found.as_deref(), expect, "{endpoint}");
        }
    }
}
