//! The number of a label set: known already, or the next free one, decided by one transaction on both keys.
//!
//! Two nodes that ask for one set at once both try to write `labels → number` and `number → labels`; whoever comes
//! second finds the first key there and takes what it says. New numbers go round: each node reserves a few numbers
//! after the last reserved one (`identities/cursor`), so that nodes do not try the same. A reservation is no more than
//! that: what decides is that the number has no labels yet.

use std::collections::HashSet;

use policy::{Identity, LabelSet};
use tokio::time::Instant;

use super::super::error::RegistryError;
use super::super::keys;
use super::super::model::IdentityEntry;
use super::super::registry::Allocated;
use super::super::store::{Guard, Lifetime, Transaction, Write};
use super::desired::encode;
use super::{NodeRegistry, Patience, lock};

/// Numbers that a node reserves at once.
const BLOCK: u32 = 32;

/// Bytes of all labels of a set.
const MAX_LABEL_BYTES: usize = 32 << 10;

/// Reserved numbers that this node has not tried.
#[derive(Debug)]
pub(super) struct Block {
    next: u32,
    left: u32,
}

impl Block {
    /// None, for now.
    pub(super) fn at(next: u32) -> Self {
        Self { next, left: 0 }
    }
}

/// What came of a try to give a number to a label set.
pub(super) enum Tried {
    /// This node uses it now.
    Done,
    /// The set has another number.
    Has(Identity),
    /// The set has no number, or the number other labels.
    No,
}

impl NodeRegistry {
    /// See [`super::Registry::allocate`].
    pub(super) async fn allocate_number(
        &self,
        labels: &LabelSet,
    ) -> Result<Allocated, RegistryError> {
        self.node("allocate identities")?;
        check(labels)?;
        // Nobody takes the use back between the transaction and the note that it is wanted.
        let _uses = self.uses.read().await;
        let known = lock(&self.mirror).state.identity_of.get(labels).copied();
        if let Some(identity) = known.filter(|identity| self.is_in_use(*identity)) {
            return Ok(Allocated {
                identity,
                confirmed: true,
            });
        }
        // A set that is known has an answer also while the backend is away.
        let patience = Patience {
            waits_for_return: known.is_none(),
            ..self.patience()
        };
        match self.find_number(labels, known, patience).await {
            Ok(identity) => {
                lock(&self.desired).uses(identity, labels);
                self.tell_distrusted();
                Ok(Allocated {
                    identity,
                    confirmed: true,
                })
            }
            Err(error) => {
                let known = known.filter(|_| is_about_the_backend(&error));
                let identity = known.ok_or(error)?;
                lock(&self.desired).uses(identity, labels);
                Ok(Allocated {
                    identity,
                    confirmed: false,
                })
            }
        }
    }

    async fn find_number(
        &self,
        labels: &LabelSet,
        mut known: Option<Identity>,
        patience: Patience,
    ) -> Result<Identity, RegistryError> {
        let mut refused = HashSet::new();
        // Each round is a transaction, and those end at the deadline.
        loop {
            let candidate = match known {
                Some(identity) => Ok(identity),
                None => self.candidate(&refused, patience).await,
            };
            let identity = match candidate {
                Ok(identity) => identity,
                // This node may not have been told yet that the set has a number.
                Err(error @ RegistryError::Exhausted { .. }) => {
                    let value = self.read(keys::labels(labels), patience).await?;
                    let value = value.and_then(|value| serde_json::from_slice(&value).ok());
                    let identity = Identity(value.ok_or(error)?);
                    known = Some(identity);
                    identity
                }
                Err(error) => return Err(error),
            };
            let tried = match known {
                Some(_) => self.take(identity, labels, patience).await?,
                None => self.create(identity, labels, patience).await?,
            };
            known = match tried {
                Tried::Done => return Ok(identity),
                Tried::Has(other) if known == Some(other) => {
                    return Err(inconsistent(identity, labels));
                }
                Tried::Has(other) => Some(other),
                Tried::No => {
                    refused.insert(identity.0);
                    None
                }
            };
            if Instant::now() >= patience.deadline {
                return Err(self.timed_out("find a free number"));
            }
        }
    }

    /// Gives a number to a set that has none.
    pub(super) async fn create(
        &self,
        identity: Identity,
        labels: &LabelSet,
        patience: Patience,
    ) -> Result<Tried, RegistryError> {
        let transaction = self.creation(identity, labels);
        self.attempt(identity, labels, &transaction, patience).await
    }

    /// The transaction that does it, if neither has the other yet.
    pub(super) fn creation(&self, identity: Identity, labels: &LabelSet) -> Transaction {
        let by_labels = keys::labels(labels);
        let by_number = keys::identity(identity);
        let entry = IdentityEntry {
            identity,
            labels: labels.clone(),
        };
        let mut writes = self.use_writes(identity);
        writes.extend([
            Write::put(by_labels.clone(), encode(&identity.0), Lifetime::Permanent),
            Write::put(by_number.clone(), encode(&entry), Lifetime::Permanent),
        ]);
        Transaction {
            guards: vec![Guard::Absent(by_labels.clone()), Guard::Absent(by_number)],
            writes,
            otherwise_read: vec![by_labels],
        }
    }

    /// Uses a number that a set has.
    pub(super) async fn take(
        &self,
        identity: Identity,
        labels: &LabelSet,
        patience: Patience,
    ) -> Result<Tried, RegistryError> {
        let transaction = Transaction {
            guards: pair(identity, labels).to_vec(),
            writes: self.use_writes(identity),
            otherwise_read: vec![keys::labels(labels)],
        };
        self.attempt(identity, labels, &transaction, patience).await
    }

    async fn attempt(
        &self,
        identity: Identity,
        labels: &LabelSet,
        transaction: &Transaction,
        patience: Patience,
    ) -> Result<Tried, RegistryError> {
        let outcome = self.transact(transaction, patience).await?;
        if outcome.done {
            self.wrote(&transaction.writes, outcome.revision);
            return Ok(Tried::Done);
        }
        match outcome.read.first() {
            Some(Some(value)) => match serde_json::from_slice(value) {
                Ok(number) => Ok(Tried::Has(Identity(number))),
                Err(_) => Err(inconsistent(identity, labels)),
            },
            _ => Ok(Tried::No),
        }
    }

    /// The next number that has no labels, as far as this node knows.
    async fn candidate(
        &self,
        refused: &HashSet<u32>,
        patience: Patience,
    ) -> Result<Identity, RegistryError> {
        let range = &self.settings.identities;
        let free_from = |from: u32| {
            let mirror = lock(&self.mirror);
            mirror
                .taken
                .free_from(from, range, |number| refused.contains(&number))
        };
        let mut block = self.block.lock().await;
        let within = free_from(block.next)
            .filter(|free| (block.next..block.next + block.left).contains(free));
        if let Some(number) = within {
            block.left -= number - block.next + 1;
            block.next = number + 1;
            return Ok(Identity(number));
        }
        let mut cursor = lock(&self.mirror).cursor.clone();
        loop {
            let from = cursor
                .as_deref()
                .and_then(|value| serde_json::from_slice(value).ok());
            let first =
                free_from(from.unwrap_or(*range.start())).ok_or_else(|| self.exhausted())?;
            let count = BLOCK.min(range.end() - first + 1);
            let after = first + count;
            let next = if range.contains(&after) {
                after
            } else {
                *range.start()
            };
            let transaction = Transaction {
                guards: vec![match cursor.take() {
                    Some(value) => Guard::Equals(keys::CURSOR.to_owned(), value),
                    None => Guard::Absent(keys::CURSOR.to_owned()),
                }],
                writes: vec![Write::put(
                    keys::CURSOR.to_owned(),
                    encode(&next),
                    Lifetime::Permanent,
                )],
                otherwise_read: vec![keys::CURSOR.to_owned()],
            };
            let outcome = self.transact(&transaction, patience).await?;
            if outcome.done {
                *block = Block {
                    next: first + 1,
                    left: count - 1,
                };
                return Ok(Identity(first));
            }
            cursor = outcome.read.into_iter().next().flatten();
        }
    }

    fn exhausted(&self) -> RegistryError {
        let range = self.settings.identities.clone();
        let resting = {
            let mirror = lock(&self.mirror);
            let (first, last) = (Identity(*range.start()), Identity(*range.end()));
            mirror.resting.range(first..=last).count()
        };
        let all = (range.end() - range.start() + 1) as usize;
        RegistryError::Exhausted {
            range,
            used: all.saturating_sub(resting),
            resting,
            rest: self.settings.rest,
        }
    }
}

/// Whether it says nothing of the number that was asked for.
fn is_about_the_backend(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::Away { .. } | RegistryError::Denied { .. }
    )
}

/// Both keys say that the number and the set belong together.
pub(super) fn pair(identity: Identity, labels: &LabelSet) -> [Guard; 2] {
    let entry = IdentityEntry {
        identity,
        labels: labels.clone(),
    };
    [
        Guard::Equals(keys::labels(labels), encode(&identity.0)),
        Guard::Equals(keys::identity(identity), encode(&entry)),
    ]
}

/// What cannot be kept, or would be read back as something else.
fn check(labels: &LabelSet) -> Result<(), RegistryError> {
    let invalid = |reason: String| {
        Err(RegistryError::Invalid {
            what: "a label set".to_owned(),
            reason,
        })
    };
    let texts: Vec<String> = labels.iter().map(ToString::to_string).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    if bytes > MAX_LABEL_BYTES {
        return invalid(format!(
            "it has {bytes} bytes, {MAX_LABEL_BYTES} are the most"
        ));
    }
    if LabelSet::parse(&texts).as_ref() != Ok(labels) {
        return invalid(format!("{labels} would be read back as other labels"));
    }
    Ok(())
}

fn inconsistent(identity: Identity, labels: &LabelSet) -> RegistryError {
    RegistryError::Invalid {
        what: format!("the use of identity {}", identity.0),
        reason: format!(
            "the keys {} and {} contradict each other: somebody else changed them; delete both, and the number will \
             be given anew",
            keys::labels(labels),
            keys::identity(identity)
        ),
    }
}
