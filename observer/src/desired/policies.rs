//! The policies of both owners, and the numbers of their rules at one revision.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use policy::{Cidr, PolicyRepository, RepositoryError, RuleKey, RuleRef, RuleSet};
use registry::directory::Manifest;

use super::book::Book;
use super::error::BookError;
use super::inventory::Owner;
use super::rule;

/// All policies, by the file they came from.
#[derive(Debug, Default)]
pub(super) struct Policies {
    repository: PolicyRepository,
    files: BTreeSet<String>,
    api_files: Arc<BTreeSet<String>>,
}

/// The rules at one revision, with their numbers.
#[derive(Clone, Debug)]
pub(super) struct NumberedRules {
    pub(super) rules: Arc<RuleSet>,
    /// The revision that verdicts carry; unlike the repository's it goes on after a restart.
    pub(super) revision: u32,
    pub(super) numbers: Arc<HashMap<RuleRef, u32>>,
    pub(super) by_key: Arc<HashMap<RuleKey, u32>>,
    /// The networks that they name.
    pub(super) prefixes: Arc<BTreeSet<Cidr>>,
    repository_revision: u64,
}

impl Policies {
    /// Takes all manifests of one owner, or none if one is wrong.
    pub(super) fn set(
        &mut self,
        owner: Owner,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        let files: Vec<(String, &str)> = manifests
            .iter()
            .map(|manifest| (manifest.path.display().to_string(), manifest.text.as_str()))
            .collect();
        let names: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let before = match owner {
            Owner::File => &self.files,
            Owner::Api => &*self.api_files,
        };
        let gone = before.difference(&names).map(|name| (name.as_str(), None));
        let there = files.iter();
        let changes = gone.chain(there.map(|(name, text)| (name.as_str(), Some(*text))));
        let earlier = self.repository.revision();
        let revision = self.repository.change(changes)?;
        match owner {
            Owner::File => self.files = names,
            Owner::Api => self.api_files = Arc::new(names),
        }
        if revision != earlier {
            let rules = self.repository.rules().len();
            tracing::info!(rules, "policies changed");
        }
        Ok(())
    }

    /// The files that came through the API.
    pub(super) fn api_files(&self) -> &Arc<BTreeSet<String>> {
        &self.api_files
    }

    /// Whether these are the rules in force now.
    pub(super) fn are(&self, numbered: &NumberedRules) -> bool {
        numbered.repository_revision == self.repository.revision()
    }

    /// Numbers the rules, under the next revision.
    pub(super) fn number(&self, book: &mut Book) -> Result<NumberedRules, BookError> {
        let rules = Arc::clone(self.repository.rules());
        let mut numbers = HashMap::with_capacity(rules.len());
        let mut by_key = HashMap::with_capacity(rules.len());
        for (reference, entry) in rules.rules() {
            let number = book.rule(&entry.key.to_string(), rule::info(&entry.key))?;
            numbers.insert(reference, number);
            by_key.insert(entry.key.clone(), number);
        }
        Ok(NumberedRules {
            prefixes: Arc::new(rules.prefixes()),
            rules,
            revision: book.next_revision()?,
            numbers: Arc::new(numbers),
            by_key: Arc::new(by_key),
            repository_revision: self.repository.revision(),
        })
    }
}
