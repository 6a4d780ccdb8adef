//! The policies of both owners, and the numbers of their rules at one revision.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use policy::{
    Cidr, Policy, PolicyName, PolicyRepository, RepositoryError, RuleKey, RuleRef, RuleSet,
    read_policies,
};
use registry::directory::Manifest;

use super::book::Book;
use super::clash::{OF_REGISTRY, policy_clash, policy_in_both};
use super::error::BookError;
use super::inventory::Owner;
use super::rule;

/// All policies, by the file they came from.
#[derive(Debug, Default)]
pub(super) struct Policies {
    repository: PolicyRepository,
    /// The owner of each file in force that is none of the node's own files.
    owners: Arc<BTreeMap<String, Owner>>,
    /// The node's own files.
    files: BTreeSet<String>,
    /// Files that are not in force, as somebody who goes before their owner defines their policy.
    set_aside: Vec<SetAside>,
}

/// A file that is not in force.
#[derive(Clone, Debug)]
pub(super) struct SetAside {
    pub(super) owner: Owner,
    pub(super) manifest: Manifest,
    pub(super) name: PolicyName,
    clash: RepositoryError,
    /// Who defines it in its place.
    other: Owner,
}

/// Policies by name, and whose they are.
type Defined = BTreeMap<PolicyName, (Owner, Policy)>;

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
    /// Takes all manifests of an owner, or none if one is wrong or clashes with another owner's. What was set aside comes
    /// into force with them if they leave room for it.
    pub(super) fn set(
        &mut self,
        owner: Owner,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        let is_aside = |manifest: &Manifest| {
            let mut aside = self.set_aside.iter();
            aside.any(|one| one.owner == owner && one.manifest.path == manifest.path)
        };
        let (aside, rest) = manifests.iter().cloned().partition(is_aside);
        self.replace(owner, aside, rest)
    }

    /// Takes what an owner had before, or has, as this node starts: what clashes with others is set aside.
    pub(super) fn set_earlier(
        &mut self,
        owner: Owner,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        self.replace(owner, manifests.to_vec(), Vec::new())
    }

    /// What is not in force.
    pub(super) fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// An error, with the next step if it is about a policy of two owners.
    pub(super) fn with_next_step(&self, error: &RepositoryError) -> Option<String> {
        policy_clash(error, |file| self.owner(file))
    }

    /// The owner of each file that is none of the node's own.
    pub(super) fn owners(&self) -> &Arc<BTreeMap<String, Owner>> {
        &self.owners
    }

    fn owner(&self, file: &str) -> Owner {
        owner_by_name(file).unwrap_or_else(|| {
            let owner = self.owners.get(file);
            owner.copied().unwrap_or(Owner::File)
        })
    }

    /// Takes all manifests of an owner; of these, what is in `clashing` is set aside where another owner's policy has its
    /// name, and nothing is changed if that is so of the `rest`.
    fn replace(
        &mut self,
        owner: Owner,
        clashing: Vec<Manifest>,
        rest: Vec<Manifest>,
    ) -> Result<(), RepositoryError> {
        let mut defined = self.defined_by_others(owner);
        let (mut aside, mut used) = apart(owner, clashing, &defined);
        used.extend(rest);
        let mut come: Vec<(Owner, Manifest)> = Vec::new();
        if self.set_aside.iter().any(|one| one.owner != owner) {
            defined.extend(read_all(owner, &used)?);
            for later in [Owner::Api, Owner::Registry] {
                let of_it = self.set_aside.iter().filter(|one| one.owner == later);
                if later == owner {
                    continue;
                }
                let waiting = of_it.map(|one| one.manifest.clone()).collect();
                let (stay, free) = apart(later, waiting, &defined);
                defined.extend(read_all(later, &free)?);
                aside.extend(stay);
                come.extend(free.into_iter().map(|manifest| (later, manifest)));
            }
        }
        come.extend(used.into_iter().map(|manifest| (owner, manifest)));
        self.change(owner, &come)?;
        let place = |one: &SetAside| (one.owner, one.manifest.path.clone());
        aside.sort_by_key(place);
        self.set_aside = aside;
        Ok(())
    }

    /// Puts files into force, those of one owner in place of all that it had.
    fn change(&mut self, owner: Owner, come: &[(Owner, Manifest)]) -> Result<(), RepositoryError> {
        let texts: Vec<(Owner, String, &str)> = come
            .iter()
            .map(|(owner, manifest)| (*owner, file_name(manifest), manifest.text.as_str()))
            .collect();
        let there: BTreeSet<&str> = texts.iter().map(|(_, name, _)| name.as_str()).collect();
        let before = self.files_of(owner);
        let gone = before.iter().filter(|name| !there.contains(name.as_str()));
        let gone = gone.map(|name| (name.as_str(), None));
        let texts_there = texts
            .iter()
            .map(|(_, name, text)| (name.as_str(), Some(*text)));
        let earlier = self.repository.revision();
        let revision = self.repository.change(gone.chain(texts_there))?;
        let owners = Arc::make_mut(&mut self.owners);
        owners.retain(|_, known| *known != owner);
        if owner == Owner::File {
            self.files.clear();
        }
        for (owner, name, _) in texts {
            if owner == Owner::File {
                self.files.insert(name);
            } else {
                owners.insert(name, owner);
            }
        }
        if revision != earlier {
            let rules = self.repository.rules().len();
            tracing::info!(rules, "policies changed");
        }
        Ok(())
    }

    fn files_of(&self, owner: Owner) -> BTreeSet<String> {
        if owner == Owner::File {
            return self.files.clone();
        }
        let owners = self.owners.iter();
        let files = owners.filter(|(_, known)| **known == owner);
        files.map(|(file, _)| file.clone()).collect()
    }

    /// The policies in force of all others.
    fn defined_by_others(&self, owner: Owner) -> Defined {
        let policies = self.repository.rules().policies().iter();
        let of_all = policies.map(|policy| (self.owner(&policy.file), policy));
        let of_others = of_all.filter(|(other, _)| *other != owner);
        of_others
            .map(|(other, policy)| {
                (
                    PolicyName::clone(&policy.name),
                    (other, Policy::clone(policy)),
                )
            })
            .collect()
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
        let own = file_name(&self.manifest);
        let owner = |file: &str| if file == own { self.owner } else { self.other };
        policy_clash(&self.clash, owner).unwrap_or_else(|| self.clash.to_string())
    }
}

fn file_name(manifest: &Manifest) -> String {
    manifest.path.display().to_string()
}

/// Entries of the registry have names that no path has.
fn owner_by_name(file: &str) -> Option<Owner> {
    file.starts_with(OF_REGISTRY).then_some(Owner::Registry)
}

fn read_all(owner: Owner, manifests: &[Manifest]) -> Result<Defined, RepositoryError> {
    let mut all = Defined::new();
    for manifest in manifests {
        let policies = read_policies(&file_name(manifest), &manifest.text)?;
        let named = policies.into_iter();
        all.extend(named.map(|policy| (PolicyName::clone(&policy.name), (owner, policy))));
    }
    Ok(all)
}

/// The manifests of an owner that define what is defined, and the others. One that cannot be read is with the others:
/// whoever takes them says what is wrong with it.
fn apart(
    owner: Owner,
    manifests: Vec<Manifest>,
    defined: &Defined,
) -> (Vec<SetAside>, Vec<Manifest>) {
    let (mut aside, mut others) = (Vec::new(), Vec::new());
    for manifest in manifests {
        let policies = read_policies(&file_name(&manifest), &manifest.text).unwrap_or_default();
        let clash = policies
            .iter()
            .find_map(|policy| Some((policy, defined.get(&*policy.name)?)));
        match clash {
            Some((policy, (other, theirs))) => aside.push(SetAside {
                owner,
                name: PolicyName::clone(&policy.name),
                clash: policy_in_both(policy, theirs),
                other: *other,
                manifest,
            }),
            None => others.push(manifest),
        }
    }
    (aside, others)
}
