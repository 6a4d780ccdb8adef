//! Labels `source:key=value` and sorted sets of them.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// In a selector: a label of any source.
pub const SOURCE_ANY: &str = "any";
/// Labels of identities that stand for networks.
pub const SOURCE_CIDR: &str = "cidr";
/// Labels of Kubernetes objects, and of endpoints that have a namespace.
pub const SOURCE_KUBERNETES: &str = "k8s";
/// Labels of the reserved identities.
pub const SOURCE_RESERVED: &str = "reserved";
/// Labels whose source nobody named.
pub const SOURCE_UNSPECIFIED: &str = "unspec";

/// One label. Ordered by source, then key, then value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Where the label comes from: `k8s`, `container`, `reserved`, `cidr`, `fqdn`, `unspec`, ….
    pub source: String,
    /// The key; may contain dots and slashes.
    pub key: String,
    /// The value; may be empty.
    pub value: String,
}

/// A text that is no label.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("label {text:?} has an empty key")]
pub struct LabelError {
    /// The text as given.
    pub text: String,
}

impl Label {
    /// A label of its three parts.
    pub fn new(
        source: impl Into<String>,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self {
            source: source.into(),
            key: key.into(),
            value: value.into(),
        }
    }

    /// Parses `[source:]key[=value]`. The source ends at the first colon before the first `=`; without one it is
    /// `unspec`. Without `=` the value is empty.
    ///
    /// # Errors
    /// If the key is empty.
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let (source, key) = match name.split_once(':') {
            Some((source, key)) if !source.is_empty() => (source, key),
            Some((_, key)) => (SOURCE_UNSPECIFIED, key),
            None => (SOURCE_UNSPECIFIED, name),
        };
        if key.is_empty() {
            return Err(LabelError {
                text: text.to_owned(),
            });
        }
        Ok(Self::new(source, key, value))
    }
}

impl fmt::Display for Label {
    /// `source:key=value`, or `source:key` when the value is empty, as Cilium prints it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.source, self.key)?;
        if self.value.is_empty() {
            Ok(())
        } else {
            write!(out, "={}", self.value)
        }
    }
}

/// A sorted set of labels with one value per source and key. Cloning is cheap; equality and hash are by content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelSet(Arc<[Label]>);

impl LabelSet {
    /// Parses each text as a label.
    ///
    /// # Errors
    /// The first text that is no label.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, LabelError> {
        texts
            .into_iter()
            .map(|text| Label::parse(text.as_ref()))
            .collect()
    }

    /// The labels, sorted.
    pub fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.0.iter()
    }

    /// How many labels.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a label by source and key.
    pub fn value(&self, source: &str, key: &str) -> Option<&str> {
        let position = self
            .0
            .binary_search_by(|label| {
                (label.source.as_str(), label.key.as_str()).cmp(&(source, key))
            })
            .ok()?;
        Some(&self.0[position].value)
    }

    /// Whether there is a label `reserved:name`.
    pub fn has_reserved(&self, name: &str) -> bool {
        self.value(SOURCE_RESERVED, name).is_some()
    }
}

impl FromIterator<Label> for LabelSet {
    /// Of several labels with one source and key the last wins.
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        let mut labels: Vec<Label> = labels.into_iter().collect();
        labels.reverse();
        labels.sort_by(|a, b| (&a.source, &a.key).cmp(&(&b.source, &b.key)));
        labels.dedup_by(|later, kept| later.source == kept.source && later.key == kept.key);
        Self(labels.into())
    }
}

impl<'a> IntoIterator for &'a LabelSet {
    type Item = &'a Label;
    type IntoIter = std::slice::Iter<'a, Label>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for LabelSet {
    /// The labels joined by commas.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, label) in self.iter().enumerate() {
            write!(out, "{}{label}", if position == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, LabelSet};

    #[test]
    fn parses_and_prints() {
        let check = |text: &str, source: &str, key: &str, value: &str, printed: &str| {
            let label = Label::parse(text).unwrap();
            assert_eq!(label, Label::new(source, key, value), "{text}");
            assert_eq!(label.to_string(), printed);
        };
        check(
            "k8s:role=frontend",
            "k8s",
            "role",
            "frontend",
            "k8s:role=frontend",
        );
        check(
            "role=frontend",
            "unspec",
            "role",
            "frontend",
            "unspec:role=frontend",
        );
        check("reserved:world", "reserved", "world", "", "reserved:world");
        check(
            "k8s:url=http://x:1=2",
            "k8s",
            "url",
            "http://x:1=2",
            "k8s:url=http://x:1=2",
        );
        check("url=a:b", "unspec", "url", "a:b", "unspec:url=a:b");
        check(":key", "unspec", "key", "", "unspec:key");
    }

    #[test]
    fn refuses_empty_keys() {
        for text in ["", "=", "k8s:", "k8s:=x", ":"] {
            assert!(Label::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Label::parse("k8s:=x").unwrap_err().to_string(),
            "label \"k8s:=x\" has an empty key"
        );
    }

    #[test]
    fn sets_are_sorted_and_hold_one_value_per_key() {
        let set = LabelSet::parse(["k8s:b=1", "k8s:a=2", "any:z=0", "k8s:b=3"]).unwrap();
        assert_eq!(set.to_string(), "any:z=0,k8s:a=2,k8s:b=3");
        assert_eq!(
            set,
            LabelSet::parse(["k8s:b=3", "any:z=0", "k8s:a=2"]).unwrap()
        );
        assert_eq!(set.value("k8s", "b"), Some("3"));
        assert_eq!(set.value("k8s", "z"), None);
    }
}
