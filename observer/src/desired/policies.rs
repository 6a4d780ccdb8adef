//! The policies of both owners, and the numbers of their rules at one revision.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use policy::{
    Cidr, Policy, PolicyName, PolicyRepository, RepositoryError, RuleKey, RuleRef, RuleSet,
    read_policies,
};
use registry::directory::Manifest;

use super::book::Book;
use super::clash::{policy_clash, policy_in_both};
use super::error::BookError;
use super::inventory::Owner;
use super::rule;

/// All policies, by the file they came from.
#[derive(Debug, Default)]
pub(super) struct Policies {
    repository: PolicyRepository,
    files: BTreeSet<String>,
    api_files: Arc<BTreeSet<String>>,
    /// Files of the API that are not in force, as one of the directory defines their policy.
    set_aside: Vec<SetAside>,
}

/// A file of the API that is not in force.
#[derive(Clone, Debug)]
pub(super) struct SetAside {
    pub(super) manifest: Manifest,
    pub(super) name: PolicyName,
    clash: RepositoryError,
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
    /// Takes all manifests of the directory, or none if one is wrong. What was set aside comes into force with them if
    /// they leave room for it.
    pub(super) fn set_files(&mut self, manifests: &[Manifest]) -> Result<(), RepositoryError> {
        if self.set_aside.is_empty() {
            return self.set(Owner::File, manifests, &[]);
        }
        let defined = read_all(manifests)?;
        let waiting = self.set_aside.iter().map(|one| one.manifest.clone());
        let (stay, come) = apart(waiting.collect(), &defined);
        self.set(Owner::File, manifests, &come)?;
        self.set_aside = stay;
        Ok(())
    }

    /// Takes all manifests of the API, or none if one is wrong or clashes with the directory.
    pub(super) fn set_api(&mut self, manifests: &[Manifest]) -> Result<(), RepositoryError> {
        let is_aside = |manifest: &Manifest| {
            let mut aside = self.set_aside.iter();
            aside.any(|one| one.manifest.path == manifest.path)
        };
        let used: Vec<Manifest> = manifests
            .iter()
            .filter(|one| !is_aside(one))
            .cloned()
            .collect();
        self.set(Owner::Api, &used, &[])?;
        self.set_aside
            .retain(|one| manifests.iter().any(|kept| kept.path == one.manifest.path));
        Ok(())
    }

    /// Takes what the API had added before: the directory wins, and what clashes with it is set aside.
    pub(super) fn set_earlier_api(
        &mut self,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        let policies = self.repository.rules().policies().iter();
        let of_files = policies.filter(|policy| !self.api_files.contains(&policy.file));
        let defined = by_name(of_files.map(|policy| Policy::clone(policy)));
        let (aside, used) = apart(manifests.to_vec(), &defined);
        self.set(Owner::Api, &used, &[])?;
        self.set_aside = aside;
        Ok(())
    }

    /// What of the API is not in force.
    pub(super) fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// An error, with the next step if it is about a policy of each owner.
    pub(super) fn with_next_step(&self, error: &RepositoryError) -> Option<String> {
        policy_clash(error, |file| self.api_files.contains(file))
    }

    /// Takes all manifests of one owner, and more of the API, or none.
    fn set(
        &mut self,
        owner: Owner,
        manifests: &[Manifest],
        more: &[Manifest],
    ) -> Result<(), RepositoryError> {
        let (files, names) = named(manifests);
        let (more, more_names) = named(more);
        let before = match owner {
            Owner::File => &self.files,
            Owner::Api => &*self.api_files,
        };
        let gone = before.difference(&names).map(|name| (name.as_str(), None));
        let there = files.iter().chain(&more);
        let changes = gone.chain(there.map(|(name, text)| (name.as_str(), Some(*text))));
        let earlier = self.repository.revision();
        let revision = self.repository.change(changes)?;
        match owner {
            Owner::File => self.files = names,
            Owner::Api => self.api_files = Arc::new(names),
        }
        if !more_names.is_empty() {
            Arc::make_mut(&mut self.api_files).extend(more_names);
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

impl SetAside {
    /// Why it is not in force, and what to do.
    pub(super) fn sentence(&self) -> String {
        let of_api = self.manifest.path.display().to_string();
        policy_clash(&self.clash, |file| file == of_api).unwrap_or_else(|| self.clash.to_string())
    }
}

/// Texts by the names of their files, and the names.
fn named(manifests: &[Manifest]) -> (Vec<(String, &str)>, BTreeSet<String>) {
    let files: Vec<(String, &str)> = manifests
        .iter()
        .map(|manifest| (manifest.path.display().to_string(), manifest.text.as_str()))
        .collect();
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    (files, names)
}

fn read_all(manifests: &[Manifest]) -> Result<BTreeMap<PolicyName, Policy>, RepositoryError> {
    let mut all = BTreeMap::new();
    for (file, text) in named(manifests).0 {
        all.extend(by_name(read_policies(&file, text)?.into_iter()));
    }
    Ok(all)
}

fn by_name(policies: impl Iterator<Item = Policy>) -> BTreeMap<PolicyName, Policy> {
    policies
        .map(|policy| (PolicyName::clone(&policy.name), policy))
        .collect()
}

/// The manifests that define what is defined, and the others. One that cannot be read is with the others: whoever takes
/// them says what is wrong with it.
fn apart(
    manifests: Vec<Manifest>,
    defined: &BTreeMap<PolicyName, Policy>,
) -> (Vec<SetAside>, Vec<Manifest>) {
    let (mut aside, mut others) = (Vec::new(), Vec::new());
    for manifest in manifests {
        let file = manifest.path.display().to_string();
        let policies = read_policies(&file, &manifest.text).unwrap_or_default();
        let clash = policies
            .iter()
            .find_map(|policy| Some((policy, defined.get(&*policy.name)?)));
        match clash {
            Some((policy, other)) => aside.push(SetAside {
                name: PolicyName::clone(&policy.name),
                clash: policy_in_both(policy, other),
                manifest,
            }),
            None => others.push(manifest),
        }
    }
    (aside, others)
}
