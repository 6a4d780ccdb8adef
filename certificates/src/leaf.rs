//! What a certificate is asked for: a node, a relay, a client.

use std::net::IpAddr;

use daemon::tls::{ADMIN_ROLE, server_name};

/// The longest part of a host name, and the longest of all (RFC 1035, 2.3.4).
const LABEL_BYTES: usize = 63;
const NAME_BYTES: usize = 253;
/// The longest common name (RFC 5280, `ub-common-name`).
const COMMON_NAME_BYTES: usize = 64;

/// A name that a certificate cannot have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be {what}: {reason}")]
pub struct NameError {
    /// The name.
    pub name: String,
    /// What it should be.
    pub what: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// One certificate to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The name of its files, without their ends.
    pub(crate) file: String,
    pub(crate) common_name: String,
    pub(crate) role: Option<&'static str>,
    /// DNS names and addresses.
    pub(crate) names: Vec<String>,
    pub(crate) serves: bool,
    pub(crate) asks: bool,
}

impl Leaf {
    /// An observer: serves as `<node>.<cluster>.tycho`, and under the other names.
    ///
    /// # Errors
    /// When a name cannot be one of a host.
    pub fn node(node: &str, cluster: &str, other_names: &[String]) -> Result<Self, NameError> {
        Self::server("node", node, cluster, other_names)
    }

    /// A relay: serves as a node does, and asks nodes and other relays.
    ///
    /// # Errors
    /// When a name cannot be one of a host.
    pub fn relay(relay: &str, cluster: &str, other_names: &[String]) -> Result<Self, NameError> {
        let server = Self::server("relay", relay, cluster, other_names)?;
        Ok(Self {
            asks: true,
            ..server
        })
    }

    /// A client that reads.
    ///
    /// # Errors
    /// When the name cannot be the name of a file and of a subject.
    pub fn client(name: &str) -> Result<Self, NameError> {
        Ok(Self {
            file: format!("client-{name}"),
            common_name: subject(name)?,
            role: None,
            names: Vec::new(),
            serves: false,
            asks: true,
        })
    }

    /// A client that may change things as well.
    ///
    /// # Errors
    /// When the name cannot be the name of a file and of a subject.
    pub fn admin(name: &str) -> Result<Self, NameError> {
        Ok(Self {
            file: format!("admin-{name}"),
            role: Some(ADMIN_ROLE),
            ..Self::client(name)?
        })
    }

    fn server(
        kind: &str,
        name: &str,
        cluster: &str,
        other_names: &[String],
    ) -> Result<Self, NameError> {
        for (name, what) in [
            (name, "the name of a node"),
            (cluster, "the name of a cluster"),
        ] {
            check(name, what, host_name(name))?;
            // Its dots become dashes, so that all of it is one part.
            check(name, what, short(name, LABEL_BYTES))?;
        }
        let mut names = vec![server_name(name, cluster)];
        for other in other_names {
            let is_address = other.parse::<IpAddr>().is_ok();
            let host = other.strip_prefix("*.").unwrap_or(other);
            if !is_address {
                check(other, "a name of a server", host_name(host))?;
            }
            if !names.contains(other) {
                names.push(other.clone());
            }
        }
        Ok(Self {
            file: format!("{kind}-{name}"),
            common_name: name.to_owned(),
            role: None,
            names,
            serves: true,
            asks: false,
        })
    }

    /// The name of its files, without their ends: `node-a`, `relay-r`, `client-c`, `admin-c`.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether it is for asking others.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.asks
    }

    /// Whether its owner may change nodes.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Some(ADMIN_ROLE)
    }

    /// Names that it serves under.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

fn check(
    name: &str,
    what: &'static str,
    result: Result<(), &'static str>,
) -> Result<(), NameError> {
    result.map_err(|reason| NameError {
        name: name.to_owned(),
        what,
        reason,
    })
}

fn short(name: &str, bytes: usize) -> Result<(), &'static str> {
    match (name.len() > bytes, bytes) {
        (false, _) => Ok(()),
        (true, LABEL_BYTES) => Err("it has more than 63 characters"),
        (true, COMMON_NAME_BYTES) => Err("it has more than 64 characters"),
        (true, _) => Err("it has more than 253 characters"),
    }
}

/// Letters, digits and dashes, in parts between dots.
fn host_name(name: &str) -> Result<(), &'static str> {
    short(name, NAME_BYTES)?;
    for part in name.split('.') {
        if part.is_empty() {
            return Err("it has an empty part");
        }
        short(part, LABEL_BYTES)?;
        if part.starts_with('-') || part.ends_with('-') {
            return Err("a part of it begins or ends with a dash");
        }
        if !part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err("it has other characters than letters, digits, dashes and dots");
        }
    }
    Ok(())
}

/// The name of a client, which becomes part of a file's name.
fn subject(name: &str) -> Result<String, NameError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    let fitting = short(name, COMMON_NAME_BYTES).and_then(|()| match name.bytes().next() {
        None => Err("it is empty"),
        Some(first) if !first.is_ascii_alphanumeric() => {
            Err("it does not begin with a letter or a digit")
        }
        Some(_) if !name.bytes().all(fits) => {
            Err("it has other characters than letters, digits, `-`, `_`, `.` and `@`")
        }
        Some(_) => Ok(()),
    });
    check(name, "the name of a client", fitting)?;
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers() {
        let check = |node: &str, cluster: &str, others: &[&str], expect: Result<&[&str], &str>| {
            let others: Vec<String> = others.iter().map(|&name| name.to_owned()).collect();
            match (Leaf::node(node, cluster, &others), expect) {
                (Ok(leaf), Ok(names)) => assert_eq!(leaf.names(), names),
                (Err(error), Err(text)) => {
                    assert!(error.to_string().contains(text), "{error}");
                }
                (made, expect) => panic!("{node} {cluster}: {made:?}, expected {expect:?}"),
            }
        };
        check("a", "default", &[], Ok(&["a.default.tycho"]));
        check(
            "a.example.org",
            "default",
            &["10.0.0.1", "::1", "*.example.org", "10.0.0.1"],
            Ok(&[
                "a-example-org.default.tycho",
                "10.0.0.1",
                "::1",
                "*.example.org",
            ]),
        );
        let long = "x".repeat(64);
        let dotted = format!("{}.{}", "x".repeat(40), "y".repeat(40));
        for (node, cluster, others, text) in [
            (
                "",
                "default",
                &[][..],
                "the name of a node: it has an empty part",
            ),
            (
                "a/b",
                "default",
                &[],
                "\"a/b\" cannot be the name of a node: it has other",
            ),
            ("../a", "default", &[], "the name of a node"),
            ("-a", "default", &[], "a dash"),
            (&long, "default", &[], "more than 63"),
            (&dotted, "default", &[], "more than 63"),
            ("a", "my cluster", &[], "the name of a cluster"),
            ("a", "default", &["10.0.0.1:4244"], "a name of a server"),
            ("a", "default", &["a..b"], "an empty part"),
            ("a", "default", &["a.*"], "other characters"),
        ] {
            check(node, cluster, others, Err(text));
        }
    }

    #[test]
    fn clients() {
        for (name, expect) in [
            ("alice@example.org", None),
            ("", Some("empty")),
            (".x", Some("begin with")),
            ("a/b", Some("other characters")),
            ("a\nb", Some("other characters")),
            (&*"x".repeat(65), Some("more than 64")),
        ] {
            let error = Leaf::client(name).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), expect.is_some(), "{name}: {error:?}");
            assert!(
                error
                    .unwrap_or_default()
                    .contains(expect.unwrap_or_default())
            );
        }
    }
}
