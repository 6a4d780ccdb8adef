//! The keys under which entries are kept, the same in every backend.
//!
//! | key | value |
//! |---|---|
//! | `nodes/<cluster>/<node>` | [`NodeEntry`](super::NodeEntry), while the node lives |
//! | `endpoints/<cluster>/<node>/<namespace>/<name>` | [`EndpointEntry`](super::EndpointEntry), while the node lives |
//! | `identities/by-number/<number>` | [`IdentityEntry`](super::IdentityEntry) |
//! | `identities/by-labels/<labels>` | the number |
//! | `identities/uses/<number>/<cluster>/<node>` | empty: the node uses the number, while it lives |
//! | `identities/resting/<number>` | since when nobody uses the number, and its timer |
//! | `identities/timers/<timer>` | there until the numbers of the timer have rested |
//! | `identities/cursor` | where the next numbers are given |
//! | `policies/<name>` | [`PolicyEntry`](super::PolicyEntry) |
//! | `services/<namespace>/<name>` | [`ServiceEntry`](super::ServiceEntry) |
//! | `sweeper` | the node that frees numbers, while it lives |
//! | `cluster-id` | the cluster's name, random, written once |

use std::fmt::Write as _;
use std::sync::Arc;

use policy::{Identity, LabelSet};

use super::model::{EndpointKey, ServiceKey};

pub(super) const CLUSTER_ID: &str = "cluster-id";
pub(super) const CURSOR: &str = "identities/cursor";
pub(super) const SWEEPER: &str = "sweeper";

pub(super) const NODES: &str = "nodes/";
const ENDPOINTS: &str = "endpoints/";
const BY_NUMBER: &str = "identities/by-number/";
const BY_LABELS: &str = "identities/by-labels/";
const USES: &str = "identities/uses/";
const RESTING: &str = "identities/resting/";
const TIMERS: &str = "identities/timers/";
const POLICIES: &str = "policies/";
const SERVICES: &str = "services/";

/// A key that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    ClusterId,
    Cursor,
    Sweeper,
    Node(Arc<str>),
    Endpoint(EndpointKey),
    Identity(Identity),
    /// What is in it stands in [`Key::Identity`] too.
    Labels,
    Use(Identity, Arc<str>),
    Resting(Identity),
    Timer(String),
    Policy(Arc<str>),
    Service(ServiceKey),
}

pub(super) fn node(node: &str) -> String {
    format!("{NODES}{}", node_path(node))
}

pub(super) fn endpoint(key: &EndpointKey) -> String {
    let (namespace, name) = key.name.split_once('/').unwrap_or(("", &key.name));
    let node = node_path(&key.node);
    format!("{ENDPOINTS}{node}/{}/{}", escaped(namespace), escaped(name))
}

pub(super) fn identity(identity: Identity) -> String {
    format!("{BY_NUMBER}{:05}", identity.0)
}

pub(super) fn labels(labels: &LabelSet) -> String {
    let mut key = BY_LABELS.to_owned();
    for (position, label) in labels.iter().enumerate() {
        if position > 0 {
            key.push(',');
        }
        escape(&label.to_string(), &mut key);
    }
    key
}

pub(super) fn uses(identity: Identity) -> String {
    format!("{USES}{:05}/", identity.0)
}

pub(super) fn use_by(identity: Identity, node: &str) -> String {
    format!("{}{}", uses(identity), node_path(node))
}

pub(super) fn resting(identity: Identity) -> String {
    format!("{RESTING}{:05}", identity.0)
}

pub(super) fn timer(timer: &str) -> String {
    format!("{TIMERS}{timer}")
}

pub(super) fn policy(name: &str) -> String {
    format!("{POLICIES}{}", escaped(name))
}

pub(super) fn service(key: &ServiceKey) -> String {
    let (namespace, name) = (escaped(&key.namespace), escaped(&key.name));
    format!("{SERVICES}{namespace}/{name}")
}

/// Reads a key; `None` if it is none of ours.
pub(super) fn parse(key: &str) -> Option<Key> {
    if let Some(rest) = key.strip_prefix(ENDPOINTS) {
        let [cluster, node, namespace, name] = parts(rest)?;
        let name = if namespace.is_empty() {
            name
        } else {
            format!("{namespace}/{name}")
        };
        return Some(Key::Endpoint(EndpointKey {
            node: format!("{cluster}/{node}").into(),
            name: name.into(),
        }));
    }
    if let Some(rest) = key.strip_prefix(USES) {
        let (number, node) = rest.split_once('/')?;
        return Some(Key::Use(read_number(number)?, read_node(node)?));
    }
    if let Some(rest) = key.strip_prefix(SERVICES) {
        let [namespace, name] = parts(rest)?;
        return Some(Key::Service(ServiceKey {
            namespace: namespace.into(),
            name: name.into(),
        }));
    }
    if let Some(rest) = key.strip_prefix(POLICIES) {
        let [name] = parts(rest)?;
        return Some(Key::Policy(name.into()));
    }
    if let Some(rest) = key.strip_prefix(NODES) {
        return read_node(rest).map(Key::Node);
    }
    if let Some(rest) = key.strip_prefix(BY_NUMBER) {
        return read_number(rest).map(Key::Identity);
    }
    if let Some(rest) = key.strip_prefix(RESTING) {
        return read_number(rest).map(Key::Resting);
    }
    if let Some(rest) = key.strip_prefix(TIMERS) {
        return Some(Key::Timer(rest.to_owned()));
    }
    match key {
        CLUSTER_ID => Some(Key::ClusterId),
        CURSOR => Some(Key::Cursor),
        SWEEPER => Some(Key::Sweeper),
        _ => key.starts_with(BY_LABELS).then_some(Key::Labels),
    }
}

fn read_number(text: &str) -> Option<Identity> {
    text.parse().ok().map(Identity)
}

fn read_node(text: &str) -> Option<Arc<str>> {
    let [cluster, node] = parts(text)?;
    Some(format!("{cluster}/{node}").into())
}

/// `cluster/node`, each part escaped.
fn node_path(node: &str) -> String {
    let (cluster, name) = node.split_once('/').unwrap_or(("", node));
    format!("{}/{}", escaped(cluster), escaped(name))
}

/// Exactly `N` parts.
fn parts<const N: usize>(text: &str) -> Option<[String; N]> {
    let parts: Option<Vec<String>> = text.split('/').map(unescaped).collect();
    parts?.try_into().ok()
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(text, &mut out);
    out
}

/// What divides keys, and what cannot be printed, becomes `%` and two digits for each byte.
fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%' | b',') {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        let check = |written: String, text: &str, expect: Option<Key>| {
            assert_eq!(written, text);
            assert_eq!(parse(text), expect, "{text}");
        };
        let endpoint_key = |node: &str, name: &str| EndpointKey {
            node: node.into(),
            name: name.into(),
        };
        check(
            node("default/node-a"),
            "nodes/default/node-a",
            Some(Key::Node("default/node-a".into())),
        );
        for (name, text) in [
            (
                "shop/frontend-1",
                "endpoints/default/node-a/shop/frontend-1",
            ),
            ("bare", "endpoints/default/node-a//bare"),
            ("a b/c%d", "endpoints/default/node-a/a%20b/c%25d"),
            ("ü/x", "endpoints/default/node-a/%C3%BC/x"),
        ] {
            let key = endpoint_key("default/node-a", name);
            check(endpoint(&key), text, Some(Key::Endpoint(key)));
        }
        check(
            identity(Identity(256)),
            "identities/by-number/00256",
            Some(Key::Identity(Identity(256))),
        );
        check(
            use_by(Identity(65_535), "c/n"),
            "identities/uses/65535/c/n",
            Some(Key::Use(Identity(65_535), "c/n".into())),
        );
        check(
            labels(&LabelSet::parse(["k8s:a=1,2", "k8s:b", "x:c/d=%"]).unwrap()),
            "identities/by-labels/k8s:a=1%2C2,k8s:b,x:c%2Fd=%25",
            Some(Key::Labels),
        );
        check(
            service(&ServiceKey {
                namespace: "shop".into(),
                name: "web".into(),
            }),
            "services/shop/web",
            Some(Key::Service(ServiceKey {
                namespace: "shop".into(),
                name: "web".into(),
            })),
        );
        check(
            policy("shop/web"),
            "policies/shop%2Fweb",
            Some(Key::Policy("shop/web".into())),
        );
    }

    #[test]
    fn what_is_none_of_ours_is_no_key() {
        for text in [
            "",
            "nodes/",
            "nodes/a",
            "nodes/a/b/c",
            "endpoints/a/b/c",
            "identities/by-number/x",
            "identities/by-number/-1",
            "identities/uses/256",
            "identities/uses/256/a",
            "policies/a/b",
            "policies/%G0",
            "policies/%C3",
            "services/a",
            "cluster-id/x",
            "other",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn label_sets_that_look_alike_have_keys_of_their_own() {
        let one = LabelSet::parse(["k8s:a=1,k8s:b=2"]).unwrap();
        let two = LabelSet::parse(["k8s:a=1", "k8s:b=2"]).unwrap();
        assert_ne!(labels(&one), labels(&two));
    }
}
