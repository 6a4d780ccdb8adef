//! Names of pods that flows have shown, for hints.

use std::collections::BTreeSet;

/// Names that are remembered; no more are taken.
const MOST: usize = 50_000;

/// `namespace/name`, sorted.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    names: BTreeSet<String>,
}

impl Pods {
    pub(crate) fn note(&mut self, namespace: &str, name: &str) {
        if self.names.len() >= MOST {
            return;
        }
        let name = match namespace {
            "" => name.to_owned(),
            namespace => format!("{namespace}/{name}"),
        };
        self.names.insert(name);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}
