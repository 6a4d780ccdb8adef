//! The endpoint file as YAML: its fields with the lines on which they stand, nothing checked yet.

use std::collections::HashMap;
use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use super::error::Problem;

/// Keys and values keep their lines; the order of a map is not kept.
pub(super) type Pairs = HashMap<Spanned<String>, Spanned<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) node: Spanned<String>,
    pub(super) cluster: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) namespaces: HashMap<Spanned<String>, Option<Pairs>>,
    #[serde(default)]
    pub(super) endpoints: Vec<Spanned<Endpoint>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint {
    pub(super) name: Spanned<String>,
    pub(super) namespace: Option<Spanned<String>>,
    pub(super) netns: Option<Spanned<String>>,
    pub(super) interface: Option<Spanned<String>>,
    pub(super) ips: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) labels: Pairs,
    pub(super) workload: Option<Workload>,
    #[serde(default)]
    pub(super) ports: Pairs,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) spoofing: Option<Spanned<Spoofing>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workload {
    pub(super) kind: Spanned<String>,
    pub(super) name: Spanned<String>,
}

/// One word, or a list.
#[derive(Debug)]
pub(super) enum Spoofing {
    Word(String),
    Cidrs(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for Spoofing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpoofingVisitor)
    }
}

/// By hand, because an untagged enum would lose the lines of the list.
struct SpoofingVisitor;

impl<'de> Visitor<'de> for SpoofingVisitor {
    type Value = Spoofing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`strict`, `off` or a list of CIDRs")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Spoofing, E> {
        Ok(Spoofing::Word(word.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Spoofing, A::Error> {
        let mut cidrs = Vec::new();
        while let Some(cidr) = list.next_element()? {
            cidrs.push(cidr);
        }
        Ok(Spoofing::Cidrs(cidrs))
    }
}

/// The line on which a value stands (of the alias, where it is one).
pub(super) fn line<T>(value: &Spanned<T>) -> u64 {
    value.referenced.line()
}

/// Reads a whole document, or the part of one.
pub(super) fn parse<T: de::DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        // `off` is a word here, as in YAML 1.2.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        Problem::new(line, "", one_line(&error.to_string()))
    })
}

/// Parser messages may span lines and repeat the position, which the problem has already.
fn one_line(message: &str) -> String {
    let joined = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.find(" at line ") {
        Some(end) if end > 0 => joined[..end].to_owned(),
        _ => joined,
    }
}
