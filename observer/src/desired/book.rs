//! The numbers of this node: given once, written down before any map has them, read back after a restart.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bpf_events::policy::{RULE_FIRST, SET_ENTRIES};
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent, MetadataTable};
use flow::rules::{RuleInfo, RuleTable};
use flow::snapshot::{INDEX_LIMIT, IndexLimit};
use policy::{Identities, Identity, IdentityError, LabelError, LabelSet};
use registry::numbers::{Allocator, Entry, Kind, Loaded, Numbers, NumbersError};

use super::content::MetadataEntry;
use super::rule;
use crate::pipeline::wall_ns;

/// The kind of the numbers of policy sets.
const POLICY_SET: &str = "policy_set";

/// The kind under which the newest revision of the policies stands, as the value of number 0.
const REVISION: &str = "policy_revision";

/// How long the number of an endpoint rests, so that no connection of an earlier one is taken for its own.
const ENDPOINT_REST: Duration = Duration::from_secs(24 * 3_600);

/// Why a number could not be given or read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// The store of numbers failed.
    #[error(transparent)]
    Store(#[from] NumbersError),
    /// Every number of a kind is in use.
    #[error("every number for {kind} is in use")]
    Exhausted {
        /// The kind.
        kind: Kind,
    },
    /// Labels and number do not fit together.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A label in the store is none.
    #[error("the store of numbers has a broken label")]
    Label(#[from] LabelError),
    /// An index is beyond its table.
    #[error(transparent)]
    Index(#[from] IndexLimit),
    /// A description in the store is not ours.
    #[error(
        "the store of numbers describes {kind} {number} in a way that this version does not know"
    )]
    Description {
        /// The kind.
        kind: Kind,
        /// The number.
        number: u32,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// The numbers of one kind, by what they stand for.
#[derive(Debug)]
struct Series {
    kind: Kind,
    allocator: Allocator,
    by_name: HashMap<String, u32>,
}

impl Series {
    /// As the store has left it; `name` tells what an entry stands for.
    fn resume(
        kind: Kind,
        range: std::ops::RangeInclusive<u32>,
        rest: Duration,
        loaded: &Loaded,
        name: impl Fn(&Entry) -> Option<String>,
    ) -> Self {
        let allocator = Allocator::resume(range, rest, loaded, &kind, now_unix_s());
        let named = loaded.entries_of(&kind);
        let by_name = named
            .filter_map(|entry| Some((name(entry)?, entry.number())))
            .collect();
        Self {
            kind,
            allocator,
            by_name,
        }
    }

    /// The number of a name; a new one is written down before anybody hears of it.
    fn number(
        &mut self,
        name: &str,
        numbers: &mut Numbers,
        entry: impl FnOnce(u32) -> Entry,
    ) -> Result<u32, BookError> {
        if let Some(&number) = self.by_name.get(name) {
            return Ok(number);
        }
        let now = now_unix_s();
        let number = self.allocator.allocate(now);
        let number = number.ok_or_else(|| BookError::Exhausted {
            kind: self.kind.clone(),
        })?;
        if let Err(error) = numbers.record(&entry(number)) {
            self.allocator.release(number, now);
            return Err(error.into());
        }
        self.by_name.insert(name.to_owned(), number);
        Ok(number)
    }

    /// Frees the numbers of all names but these.
    fn retain(&mut self, keep: &HashSet<String>, numbers: &mut Numbers) -> Result<(), BookError> {
        let now = now_unix_s();
        let gone: Vec<String> = self
            .by_name
            .keys()
            .filter(|name| !keep.contains(*name))
            .cloned()
            .collect();
        for name in gone {
            if let Some(&number) = self.by_name.get(&name) {
                numbers.release(self.kind.clone(), number, now)?;
                self.by_name.remove(&name);
                self.allocator.release(number, now);
            }
        }
        Ok(())
    }
}

/// Every number of the node, and the tables that tell readers what they stand for.
#[derive(Debug)]
pub(crate) struct Book {
    numbers: Numbers,
    endpoints: Series,
    identity_numbers: Series,
    rules: Series,
    sets: Series,
    indexes: Series,
    identities: Identities,
    metadata: Arc<MetadataTable>,
    rule_table: Arc<RuleTable>,
    /// Keys of the metadata table that hold now.
    holding: HashSet<String>,
    /// The newest revision of the policies that any map may have.
    revision: u32,
}

impl Book {
    /// Opens the store and brings back what it says into the tables.
    pub(crate) fn open(
        path: &Path,
        metadata: Arc<MetadataTable>,
        rule_table: Arc<RuleTable>,
    ) -> Result<Self, BookError> {
        let (numbers, loaded) = Numbers::open(path, now_unix_s())?;
        if loaded.torn_bytes > 0 {
            tracing::info!(bytes = loaded.torn_bytes, "cut off a half-written number");
        }
        let none = Duration::ZERO;
        let set_limit = SET_ENTRIES - 1;
        let first = Identity::FIRST_ALLOCATED.0;
        let last = Identity::LAST_ALLOCATED.0;
        let series = |kind, range, rest| Series::resume(kind, range, rest, &loaded, Entry::name);
        let sets = Kind::Other(POLICY_SET.to_owned());
        let mut book = Self {
            endpoints: series(Kind::Endpoint, 1..=65_535, ENDPOINT_REST),
            identity_numbers: series(Kind::Identity, first..=last, none),
            rules: series(Kind::Rule, RULE_FIRST..=INDEX_LIMIT - 1, none),
            indexes: series(Kind::Metadata, FIRST_FREE_INDEX..=INDEX_LIMIT - 1, none),
            sets: Series::resume(sets, 1..=set_limit, none, &loaded, set_name),
            numbers,
            identities: Identities::new(),
            metadata,
            rule_table,
            holding: HashSet::new(),
            revision: 0,
        };
        book.adopt(&loaded)?;
        book.rule_table
            .set(bpf_events::policy::RULE_LOCAL_HOST, rule::local_host())?;
        Ok(book)
    }

    /// Whether nothing was ever numbered.
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Every identity known.
    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// The number of an endpoint.
    pub(crate) fn endpoint(&mut self, name: &str) -> Result<u32, BookError> {
        let entry = |number| Entry::Endpoint {
            number,
            name: name.to_owned(),
        };
        self.endpoints.number(name, &mut self.numbers, entry)
    }

    /// The number of a label set.
    pub(crate) fn identity(&mut self, labels: &LabelSet) -> Result<Identity, BookError> {
        if let Some(known) = self.identities.identity(labels) {
            return Ok(known);
        }
        let texts: Vec<String> = labels.iter().map(ToString::to_string).collect();
        let name = texts.join(",");
        let entry = |number| Entry::Identity {
            number,
            labels: texts,
            from_ns: Some(wall_ns()),
        };
        let number = self
            .identity_numbers
            .number(&name, &mut self.numbers, entry)?;
        self.identities.insert(Identity(number), labels.clone())?;
        Ok(Identity(number))
    }

    /// The policy set of the endpoints with an identity.
    pub(crate) fn policy_set(&mut self, identity: Identity) -> Result<u32, BookError> {
        let entry = |number| Entry::Other {
            group: POLICY_SET.to_owned(),
            number,
            value: identity.0.into(),
        };
        self.sets
            .number(&identity.0.to_string(), &mut self.numbers, entry)
    }

    /// The number of a rule, which the rule table knows from now on.
    pub(crate) fn rule(&mut self, key: &str, info: RuleInfo) -> Result<u32, BookError> {
        let description = rule::describe(&info);
        let entry = |number| Entry::Rule {
            number,
            key: key.to_owned(),
            description,
        };
        let number = self.rules.number(key, &mut self.numbers, entry)?;
        if self
            .rule_table
            .rule(number)
            .is_none_or(|known| *known.info() != info)
        {
            self.rule_table.set(number, info)?;
        }
        Ok(number)
    }

    /// The index of what is known of a thing now: a new one if anything about it is new.
    pub(crate) fn metadata(
        &mut self,
        key: &str,
        content: MetadataContent,
    ) -> Result<u32, BookError> {
        self.holding.insert(key.to_owned());
        if let Some(current) = self.metadata.current(key)
            && *current.content() == content
        {
            return Ok(current.index());
        }
        let from_ns = wall_ns();
        let value = MetadataEntry::new(key, from_ns, &content).value();
        let name = value.to_string();
        let entry = |number| Entry::Metadata { number, value };
        let index = self.indexes.number(&name, &mut self.numbers, entry)?;
        self.metadata.set(index, key, content, from_ns)?;
        Ok(index)
    }

    /// The next revision of the policies, which no verdict was made under yet.
    pub(crate) fn next_revision(&mut self) -> Result<u32, BookError> {
        let revision = self.revision.saturating_add(1);
        self.numbers.record(&Entry::Other {
            group: REVISION.to_owned(),
            number: 0,
            value: revision.into(),
        })?;
        self.revision = revision;
        Ok(revision)
    }

    /// Says which things there still are; what is known of others holds no more, though it can be looked up.
    pub(crate) fn close_metadata(&mut self, keep: &HashSet<String>) {
        let now_ns = wall_ns();
        let metadata = &self.metadata;
        self.holding.retain(|key| {
            let stays = keep.contains(key);
            if !stays {
                metadata.close(key, now_ns);
            }
            stays
        });
    }

    /// Frees the numbers of endpoints and of policy sets that are in no map any more.
    pub(crate) fn release(
        &mut self,
        endpoints: &HashSet<String>,
        set_identities: &HashSet<String>,
    ) -> Result<(), BookError> {
        self.endpoints.retain(endpoints, &mut self.numbers)?;
        self.sets.retain(set_identities, &mut self.numbers)
    }

    fn adopt(&mut self, loaded: &Loaded) -> Result<(), BookError> {
        for entry in loaded.entries.values() {
            let described = |source| BookError::Description {
                kind: entry.kind(),
                number: entry.number(),
                source,
            };
            match entry {
                Entry::Identity { number, labels, .. } => {
                    let labels = LabelSet::parse(labels)?;
                    self.identities.insert(Identity(*number), labels)?;
                }
                Entry::Rule {
                    number,
                    description,
                    ..
                } => {
                    let info = rule::read(description).map_err(described)?;
                    self.rule_table.set(*number, info)?;
                }
                Entry::Metadata { number, value } => {
                    let entry = MetadataEntry::read(value).map_err(described)?;
                    let content = entry.content()?;
                    self.metadata
                        .set(*number, &entry.key, content, entry.from_ns)?;
                    self.holding.insert(entry.key);
                }
                Entry::Other { group, value, .. } if group == REVISION => {
                    let revision = value.as_u64().and_then(|revision| revision.try_into().ok());
                    self.revision = revision.unwrap_or(u32::MAX);
                }
                Entry::Endpoint { .. } | Entry::Prefix { .. } | Entry::Other { .. } => {}
            }
        }
        Ok(())
    }
}

/// What the number of a policy set stands for: its identity.
fn set_name(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Other { value, .. } => value.as_u64().map(|identity| identity.to_string()),
        _ => None,
    }
}

/// Seconds since 1970.
fn now_unix_s() -> u64 {
    wall_ns() / 1_000_000_000
}
