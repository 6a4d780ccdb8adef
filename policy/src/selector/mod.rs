//! Label selectors in the Kubernetes grammar, over labels with sources.

mod parse;

use std::fmt;

pub use parse::{SelectorError, SelectorReason};

use crate::label::{LabelSet, SOURCE_ANY};

/// A conjunction of requirements; none of them matches everything. Kept sorted, so equal selectors compare equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

/// One requirement on the labels with one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    source: Option<String>,
    key: String,
    operator: Operator,
}

/// What a requirement asks of the labels with its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// One of them has one of these values.
    In(Vec<String>),
    /// None of them has one of these values; true if there is no such label.
    NotIn(Vec<String>),
    /// There is one.
    Exists,
    /// There is none.
    DoesNotExist,
}

impl Requirement {
    /// A requirement on `key` as written in a selector: with a source before its first colon, or with none or `any:`
    /// for any source. Values are sorted.
    ///
    /// # Errors
    /// If the key is empty, has a second colon or a character that no key has.
    pub fn new(key: &str, operator: Operator) -> Result<Self, SelectorReason> {
        let (source, key) = parse::split_key(key)?;
        let operator = match operator {
            Operator::In(values) => Operator::In(sorted(values)),
            Operator::NotIn(values) => Operator::NotIn(sorted(values)),
            other => other,
        };
        Ok(Self {
            source: source.map(str::to_owned),
            key: key.to_owned(),
            operator,
        })
    }

    /// The source, or `None` for any.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The key without its source.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is asked of the key.
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Whether the labels meet it.
    pub fn matches(&self, labels: &LabelSet) -> bool {
        match &self.operator {
            Operator::In(values) => self.any_value(labels, |value| is_in(values, value)),
            Operator::NotIn(values) => !self.any_value(labels, |value| is_in(values, value)),
            Operator::Exists => self.any_value(labels, |_| true),
            Operator::DoesNotExist => !self.any_value(labels, |_| true),
        }
    }

    fn any_value(&self, labels: &LabelSet, mut test: impl FnMut(&str) -> bool) -> bool {
        match &self.source {
            Some(source) => labels.value(source, &self.key).is_some_and(test),
            None => labels
                .iter()
                .any(|label| label.key == self.key && test(&label.value)),
        }
    }
}

impl Selector {
    /// Parses the string form: `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b, c)`, `a`, `!a`, joined by commas
    /// (AND). The empty string matches everything.
    ///
    /// # Errors
    /// With the column and the reason.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parse::parse(text)
    }

    /// A selector of requirements, all of which must hold.
    pub fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        Self {
            requirements: sorted(requirements.into_iter().collect()),
        }
    }

    /// The selector that matches every label set.
    pub fn everything() -> Self {
        Self::default()
    }

    /// This selector with one requirement more.
    #[must_use]
    pub fn and(self, requirement: Requirement) -> Self {
        Self::new(self.requirements.into_iter().chain([requirement]))
    }

    /// Whether it matches everything by having no requirement.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The requirements, sorted.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether the labels meet every requirement.
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.matches(labels))
    }
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

fn is_in(sorted_values: &[String], value: &str) -> bool {
    sorted_values
        .binary_search_by(|candidate| candidate.as_str().cmp(value))
        .is_ok()
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_deref().unwrap_or(SOURCE_ANY);
        let key = &self.key;
        match &self.operator {
            Operator::In(values) if values.len() == 1 => {
                write!(out, "{source}:{key}={}", values[0])
            }
            Operator::NotIn(values) if values.len() == 1 => {
                write!(out, "{source}:{key}!={}", values[0])
            }
            Operator::In(values) => write!(out, "{source}:{key} in ({})", values.join(",")),
            Operator::NotIn(values) => write!(out, "{source}:{key} notin ({})", values.join(",")),
            Operator::Exists => write!(out, "{source}:{key}"),
            Operator::DoesNotExist => write!(out, "!{source}:{key}"),
        }
    }
}

impl fmt::Display for Selector {
    /// The string form; parsing it gives the same selector.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, requirement) in self.requirements.iter().enumerate() {
            write!(out, "{}{requirement}", if position == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Selector;
    use crate::label::LabelSet;

    #[test]
    fn matches_labels() {
        let labels =
            LabelSet::parse(["k8s:role=frontend", "container:tier=web", "k8s:empty="]).unwrap();
        let check = |text: &str, expect: bool| {
            assert_eq!(
                Selector::parse(text).unwrap().matches(&labels),
                expect,
                "{text}"
            );
        };
        check("", true);
        check("  ", true);
        check("role=frontend", true);
        check("role==frontend", true);
        check("k8s:role=frontend", true);
        check("any:role=frontend", true);
        check("container:role=frontend", false);
        check("role=backend", false);
        check("role!=backend", true);
        check("role!=frontend", false);
        check("absent!=x", true);
        check("absent notin (x)", true);
        check("role in (frontend, backend)", true);
        check("role notin (frontend)", false);
        check("role", true);
        check("!role", false);
        check("!container:role", true);
        check("role = frontend , tier=web", true);
        check("role=frontend,tier=db", false);
        check("empty=", true);
        check("empty in ()", true);
        check("empty!=", false);
        check("in", false);
    }

    #[test]
    fn prints_what_it_parses_to() {
        let check = |text: &str, expect: &str| {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.to_string(), expect);
            assert_eq!(Selector::parse(expect).unwrap(), selector);
        };
        check("b in (z, a) , a", "any:a,any:b in (a,z)");
        check(
            "k8s:a!=b,!x",
            "any:x,k8s:a!=b".replace("any:x", "!any:x").as_str(),
        );
        check("", "");
    }
}
