//! Which labels make an identity, and which only describe an endpoint.

use thiserror::Error;

use crate::label::{Label, LabelSet, SOURCE_RESERVED};

/// Labels that differ between the pods of one workload, or change without its meaning changing.
const DEFAULT_PATTERNS: &[&str] = &[
    "!pod-template-hash",
    "!pod-template-generation",
    "!controller-revision-hash",
    "!controller-uid",
    "!batch.kubernetes.io/controller-uid",
    "!batch.kubernetes.io/job-completion-index",
    "!statefulset.kubernetes.io/pod-name",
    "!apps.kubernetes.io/pod-index",
    "!annotation.*",
    "!etcd_node",
];

/// An ordered list of patterns; the first that matches a label decides.
///
/// A pattern is `[!][source:]key`, with `!` to exclude and a trailing `*` for any rest of the key. A label that no
/// pattern matches counts, unless some pattern includes: then only what is included counts. `reserved:` labels always
/// count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    patterns: Vec<Pattern>,
    otherwise: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    include: bool,
    source: Option<String>,
    key: String,
    any_rest: bool,
}

/// A pattern that selects nothing sensible.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("label pattern {pattern:?} is not [!][source:]key, with * only at its end")]
pub struct LabelFilterError {
    /// The pattern as given.
    pub pattern: String,
}

impl LabelFilter {
    /// A filter of patterns in order.
    ///
    /// # Errors
    /// The first pattern without a key or with `*` before its end.
    pub fn new<T: AsRef<str>>(
        patterns: impl IntoIterator<Item = T>,
    ) -> Result<Self, LabelFilterError> {
        let patterns = patterns
            .into_iter()
            .map(|text| Pattern::parse(text.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        let otherwise = !patterns.iter().any(|pattern| pattern.include);
        Ok(Self {
            patterns,
            otherwise,
        })
    }

    /// Of how many patterns it is.
    pub fn pattern_count(&self) -> usize {
        self.patterns.len()
    }

    /// Whether the label is part of the identity.
    pub fn counts(&self, label: &Label) -> bool {
        if label.source == SOURCE_RESERVED {
            return true;
        }
        let deciding = self.patterns.iter().find(|pattern| pattern.matches(label));
        deciding.map_or(self.otherwise, |pattern| pattern.include)
    }

    /// The labels that are part of the identity.
    pub fn relevant(&self, labels: &LabelSet) -> LabelSet {
        labels
            .iter()
            .filter(|label| self.counts(label))
            .cloned()
            .collect()
    }
}

impl Default for LabelFilter {
    fn default() -> Self {
        Self::new(DEFAULT_PATTERNS)
            .expect("the default patterns are well formed: a test parses them")
    }
}

/// Two patterns on one line would match nothing.
fn has_space(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, LabelFilterError> {
        let refuse = || LabelFilterError {
            pattern: text.to_owned(),
        };
        let (include, name) = match text.trim().strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, text.trim()),
        };
        let (source, key) = match name.split_once(':') {
            Some((source, key)) => (Some(source.to_owned()), key),
            None => (None, name),
        };
        let (key, any_rest) = key
            .strip_suffix('*')
            .map_or((key, false), |prefix| (prefix, true));
        let impossible = |text: &str| text.contains(['*', ':', '!', '=']) || has_space(text);
        if (key.is_empty() && !any_rest)
            || impossible(key)
            || source
                .as_deref()
                .is_some_and(|source| source.is_empty() || impossible(source))
        {
            return Err(refuse());
        }
        let source = source.filter(|source| source != crate::label::SOURCE_ANY);
        Ok(Self {
            include,
            source,
            key: key.to_owned(),
            any_rest,
        })
    }

    fn matches(&self, label: &Label) -> bool {
        let key_matches = if self.any_rest {
            label.key.starts_with(&self.key)
        } else {
            label.key == self.key
        };
        key_matches
            && self
                .source
                .as_ref()
                .is_none_or(|source| *source == label.source)
    }
}

#[cfg(test)]
mod tests {
    use super::LabelFilter;
    use crate::label::LabelSet;

    #[test]
    fn first_matching_pattern_decides() {
        let check = |patterns: &[&str], labels: &[&str], expect: &str| {
            let filter = LabelFilter::new(patterns).unwrap();
            assert_eq!(
                filter
                    .relevant(&LabelSet::parse(labels).unwrap())
                    .to_string(),
                expect,
                "{patterns:?}"
            );
        };
        let labels = &[
            "k8s:app=a",
            "k8s:app-hash=b",
            "container:app=c",
            "reserved:host",
        ];
        check(
            &[],
            labels,
            "container:app=c,k8s:app=a,k8s:app-hash=b,reserved:host",
        );
        check(
            &["!app-*"],
            labels,
            "container:app=c,k8s:app=a,reserved:host",
        );
        check(&["!k8s:app*"], labels, "container:app=c,reserved:host");
        check(&["k8s:app"], labels, "k8s:app=a,reserved:host");
        check(&["k8s:app", "!k8s:*"], labels, "k8s:app=a,reserved:host");
        check(&["!*"], labels, "reserved:host");
    }

    #[test]
    fn default_drops_what_differs_between_pods() {
        let labels = LabelSet::parse([
            "k8s:app=web",
            "k8s:pod-template-hash=5d8",
            "k8s:controller-revision-hash=x",
            "k8s:statefulset.kubernetes.io/pod-name=web-0",
            "k8s:app.kubernetes.io/name=web",
        ])
        .unwrap();
        assert_eq!(
            LabelFilter::default().relevant(&labels).to_string(),
            "k8s:app=web,k8s:app.kubernetes.io/name=web"
        );
    }

    #[test]
    fn refuses_bad_patterns() {
        for pattern in [
            "", "!", "a*b", ":a", "k8s:", "k8s:a:b", "a b", "!!a", "! a", "a=b", "k 8:a",
        ] {
            assert!(LabelFilter::new([pattern]).is_err(), "{pattern:?}");
        }
    }
}
