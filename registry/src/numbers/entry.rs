//! What a number can mean.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The kinds of numbers; each kind counts for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Identities.
    Identity,
    /// Rules.
    Rule,
    /// Indexes of the metadata table.
    Metadata,
    /// Endpoints of the node.
    Endpoint,
    /// Identities of address ranges, which mean something on this node only.
    Prefix,
    /// Any other kind, by its name.
    Other(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::Rule => "rule",
            Self::Metadata => "metadata",
            Self::Endpoint => "endpoint",
            Self::Prefix => "prefix",
            Self::Other(name) => name,
        })
    }
}

/// A number and what it means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// An identity is a set of labels.
    Identity {
        /// Its number.
        number: u32,
        /// Its labels as `source:key=value`, sorted.
        labels: Vec<String>,
        /// Since when, nanoseconds since 1970; not known of numbers that an earlier version wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_ns: Option<u64>,
    },
    /// The identity of an address range.
    Prefix {
        /// Its number.
        number: u32,
        /// The range, as `10.0.0.0/8`.
        cidr: String,
        /// Since when, nanoseconds since 1970.
        from_ns: u64,
    },
    /// A rule is named by its key.
    Rule {
        /// Its number.
        number: u32,
        /// What makes it the same rule over time.
        key: String,
        /// What is told about it; may change.
        description: Map<String, Value>,
    },
    /// A version of an endpoint, an identity or an address.
    Metadata {
        /// Its index.
        number: u32,
        /// The version.
        value: Value,
    },
    /// An endpoint of the node.
    Endpoint {
        /// Its number.
        number: u32,
        /// `namespace/name`, or `name` without a namespace.
        name: String,
    },
    /// Anything else: edge slots, saved totals.
    Other {
        /// The name of the kind.
        group: String,
        /// The number.
        number: u32,
        /// What it means.
        value: Value,
    },
}

impl Entry {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.place().0
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.place().1
    }

    /// What the number stands for as long as it is in use: labels, key, value, name. `None` for
    /// [`Entry::Other`], which may be recorded anew with any value.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Identity { labels, .. } => Some(labels.join(",")),
            Self::Rule { key, .. } => Some(key.clone()),
            Self::Metadata { value, .. } => Some(value.to_string()),
            Self::Endpoint { name, .. } => Some(name.clone()),
            Self::Prefix { cidr, .. } => Some(cidr.clone()),
            Self::Other { .. } => None,
        }
    }

    pub(super) fn place(&self) -> (Kind, u32) {
        match self {
            Self::Identity { number, .. } => (Kind::Identity, *number),
            Self::Rule { number, .. } => (Kind::Rule, *number),
            Self::Metadata { number, .. } => (Kind::Metadata, *number),
            Self::Endpoint { number, .. } => (Kind::Endpoint, *number),
            Self::Prefix { number, .. } => (Kind::Prefix, *number),
            Self::Other { group, number, .. } => (Kind::Other(group.clone()), *number),
        }
    }
}

/// A number that was taken out of use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// Its kind.
    pub kind: Kind,
    /// The number.
    pub number: u32,
    /// When, in seconds since 1970.
    pub released_unix_s: u64,
    /// And so many nanoseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub released_nanos: u32,
    /// What an identity stood for until then, as long as the release is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Box<Entry>>,
}

impl Released {
    /// When, in nanoseconds since 1970.
    #[must_use]
    pub fn released_ns(&self) -> u64 {
        let seconds_ns = self.released_unix_s.saturating_mul(1_000_000_000);
        seconds_ns.saturating_add(self.released_nanos.into())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}
