//! All policies of a node, by the file they came from, with a revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::evaluate::{Enforcement, PolicyModel};
use crate::named_ports::NamedPorts;
use crate::rank::Ranks;
use crate::read::{ReadError, read_each, read_policies};
use crate::rule::{Policy, PolicyName};
use crate::rule_set::RuleSet;

/// The policies in force. Every change is all or nothing and raises the revision by 1.
#[derive(Clone, Debug, Default)]
pub struct PolicyRepository {
    files: BTreeMap<String, Vec<Arc<Policy>>>,
    ranks: Ranks,
    rules: Arc<RuleSet>,
    revision: u64,
}

/// Why a change was refused; the policies are as before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RepositoryError {
    /// A text is no policy.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Two policies with one name.
    #[error("{file}:{line}: {name} is already defined at {other_file}:{other_line}")]
    Duplicate {
        /// The policy's name.
        name: Box<PolicyName>,
        /// The later file.
        file: String,
        /// The line of the policy there.
        line: u32,
        /// The earlier file.
        other_file: String,
        /// The line of the policy there.
        other_line: u32,
    },
}

impl PolicyRepository {
    /// Without policies, at revision 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file's policies in place of those it held before. Gives the revision, which stays the same if the policies
    /// do.
    ///
    /// # Errors
    /// If the text is no policy, or defines one that another file (or itself) defines.
    pub fn replace_file(&mut self, file: &str, yaml: &str) -> Result<u64, RepositoryError> {
        self.change([(file, Some(yaml))])
    }

    /// Removes a file's policies. Gives the revision.
    pub fn remove_file(&mut self, file: &str) -> u64 {
        if self.files.remove(file).is_some() {
            self.publish();
        }
        self.revision
    }

    /// Several files at once, `None` for one that is gone: one revision, or no change at all.
    ///
    /// # Errors
    /// As [`PolicyRepository::replace_file`].
    pub fn change<'f>(
        &mut self,
        changes: impl IntoIterator<Item = (&'f str, Option<&'f str>)>,
    ) -> Result<u64, RepositoryError> {
        let mut files = self.files.clone();
        for (file, yaml) in changes {
            match yaml {
                Some(yaml) => {
                    let policies = read_policies(file, yaml)?
                        .into_iter()
                        .map(Arc::new)
                        .collect();
                    files.insert(file.to_owned(), policies);
                }
                None => {
                    files.remove(file);
                }
            }
        }
        if let Some(error) = duplicates(&files).into_iter().next() {
            return Err(error);
        }
        if files != self.files {
            self.files = files;
            self.publish();
        }
        Ok(self.revision)
    }

    /// The revision: how many changes there were.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The rules at this revision.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// All that decides at this revision.
    pub fn model<'a>(
        &'a self,
        enforcement: Enforcement,
        named_ports: &'a NamedPorts,
    ) -> PolicyModel<'a> {
        PolicyModel {
            rules: &self.rules,
            enforcement,
            named_ports,
        }
    }

    fn publish(&mut self) {
        let policies = self.files.values().flatten().map(Arc::clone);
        self.rules = Arc::new(RuleSet::new(policies, &mut self.ranks));
        self.revision += 1;
    }
}

/// Everything that is wrong with these files (name and text): the first error of each policy, then every name that is
/// defined twice. Nothing if they could all be in force together.
pub fn check_policies<'f>(
    files: impl IntoIterator<Item = (&'f str, &'f str)>,
) -> Vec<RepositoryError> {
    let mut problems = Vec::new();
    let mut good: BTreeMap<String, Vec<Arc<Policy>>> = BTreeMap::new();
    for (file, yaml) in files {
        let policies = good.entry(file.to_owned()).or_default();
        for read in read_each(file, yaml) {
            match read {
                Ok(policy) => policies.push(Arc::new(policy)),
                Err(error) => problems.push(error.into()),
            }
        }
    }
    problems.extend(duplicates(&good));
    problems
}

fn duplicates(files: &BTreeMap<String, Vec<Arc<Policy>>>) -> Vec<RepositoryError> {
    let mut seen: BTreeMap<&PolicyName, &Policy> = BTreeMap::new();
    let mut errors = Vec::new();
    for policy in files.values().flatten() {
        if let Some(other) = seen.insert(&policy.name, policy) {
            errors.push(RepositoryError::Duplicate {
                name: Box::new(PolicyName::clone(&policy.name)),
                file: policy.file.clone(),
                line: policy.line,
                other_file: other.file.clone(),
                other_line: other.line,
            });
        }
    }
    errors
}
