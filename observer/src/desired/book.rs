//! The numbers of this node: given once, written down before any map has them, read back after a restart.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bpf_events::policy::{RULE_FIRST, RULE_LOCAL_HOST, SET_ENTRIES};
use flow::metadata::{FIRST_FREE_INDEX, MetadataContent, MetadataTable};
use flow::rules::{RuleInfo, RuleTable};
use flow::snapshot::INDEX_LIMIT;
use policy::{Cidr, Identities, Identity};
use registry::numbers::{Entry, Kind, Loaded, Numbers, RELEASE_KEPT_S};

use super::content::MetadataEntry;
use super::error::BookError;
use super::history::History;
use super::rule;
use super::series::Series;
use crate::pipeline::wall_ns;

/// The kind of the numbers of policy sets.
const POLICY_SET: &str = "policy_set";

/// The kind under which the newest revision of the policies stands, as the value of number 0.
pub(super) const REVISION: &str = "policy_revision";

/// The kind under which the end of a version of metadata stands, by its index.
pub(super) const METADATA_END: &str = "metadata_end";

/// How long the number of an endpoint rests, so that no connection of an earlier one is taken for its own; a network's
/// rests as long if nothing else is set. Those of label sets are given by the registry, and rest there.
pub(super) const LONG_REST: Duration = Duration::from_secs(RELEASE_KEPT_S);

/// How long a metadata index or the number of a rule rests: it was looked for everywhere before it was freed.
const SHORT_REST: Duration = Duration::from_secs(600);

/// Node-local numbers of networks.
const LAST_PREFIX: u32 = Identity::NODE_LOCAL_BIT + 65_535;

/// Every number of the node, and the tables that tell readers what they stand for.
#[derive(Debug)]
pub(crate) struct Book {
    pub(super) numbers: Numbers,
    endpoints: Series,
    pub(super) identity_numbers: Series,
    pub(super) prefix_numbers: Series,
    pub(super) rules: Series,
    pub(super) sets: Series,
    pub(super) indexes: Series,
    pub(super) identities: Arc<Identities>,
    /// Grows with every change of the identities.
    pub(super) identity_changes: u64,
    /// Those that this node uses for endpoints of its own, or did until lately.
    pub(super) claimed: HashSet<u32>,
    pub(super) metadata: Arc<MetadataTable>,
    pub(super) rule_table: Arc<RuleTable>,
    pub(super) history: History,
    /// Keys of the metadata table that hold now.
    pub(super) holding: HashSet<String>,
    /// Indexes whose end is written down.
    pub(super) ended: HashSet<u32>,
    /// The newest revision of the policies that any map may have.
    pub(super) revision: u32,
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
        let identities = Identity::FIRST_ALLOCATED.0..=Identity::LAST_ALLOCATED.0;
        let prefixes = Identity::NODE_LOCAL_BIT + 1..=LAST_PREFIX;
        let series = |kind, range, rest| Series::resume(kind, range, rest, &loaded, Entry::name);
        let mut book = Self {
            endpoints: series(Kind::Endpoint, 1..=65_535, LONG_REST),
            identity_numbers: series(Kind::Identity, identities, LONG_REST),
            prefix_numbers: series(Kind::Prefix, prefixes, LONG_REST),
            rules: series(Kind::Rule, RULE_FIRST..=INDEX_LIMIT - 1, SHORT_REST),
            indexes: resume_indexes(&loaded),
            sets: resume_sets(&loaded),
            numbers,
            identities: Arc::new(Identities::new()),
            identity_changes: 0,
            claimed: HashSet::new(),
            metadata,
            rule_table,
            history: History::new(wall_ns()),
            holding: HashSet::new(),
            ended: HashSet::new(),
            revision: 0,
        };
        book.adopt(&loaded)?;
        book.rule_table.set(RULE_LOCAL_HOST, rule::local_host())?;
        Ok(book)
    }

    /// Whether nothing was ever numbered.
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// For how long the number of a network rests, at most [`LONG_REST`].
    pub(super) fn set_identity_rest(&mut self, rest: Duration) {
        self.prefix_numbers.set_rest(rest.min(LONG_REST));
    }

    /// The number of an endpoint.
    pub(super) fn endpoint(&mut self, name: &str) -> Result<u32, BookError> {
        let entry = |number| Entry::Endpoint {
            number,
            name: name.to_owned(),
        };
        self.endpoints.number(name, &mut self.numbers, entry)
    }

    /// The number of a network; all of IPv4 and all of IPv6 have reserved ones.
    pub(super) fn prefix(&mut self, cidr: Cidr) -> Result<Identity, BookError> {
        if let Some(family) = Identity::of_family(cidr) {
            return Ok(family);
        }
        let name = cidr.to_string();
        let now_ns = wall_ns();
        let entry = |number| Entry::Prefix {
            number,
            cidr: cidr.to_string(),
            from_ns: now_ns,
        };
        let number = self
            .prefix_numbers
            .number(&name, &mut self.numbers, entry)?;
        let identity = Identity(number);
        if self.identities.labels(identity).is_none() {
            Arc::make_mut(&mut self.identities).insert_prefix(identity, cidr)?;
            self.identity_changes += 1;
            let labels = Identity::prefix_labels(cidr);
            self.history.identity_begins(identity, labels, now_ns);
        }
        Ok(identity)
    }

    /// The number of a network that has one of its own.
    pub(super) fn known_prefix(&self, cidr: Cidr) -> Option<u32> {
        let labels = Identity::prefix_labels(cidr);
        Some(self.identities.identity(&labels)?.0)
    }

    /// The networks that have a number of their own.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = Cidr> {
        let networks = self.prefix_numbers.in_use();
        networks.filter_map(|(_, name)| name.parse().ok())
    }

    /// The policy set of the endpoints with an identity.
    pub(super) fn policy_set(&mut self, identity: Identity) -> Result<u32, BookError> {
        let entry = |number| Entry::Other {
            group: POLICY_SET.to_owned(),
            number,
            value: identity.0.into(),
        };
        self.sets
            .number(&identity.0.to_string(), &mut self.numbers, entry)
    }

    /// The number of a rule, which the rule table knows from now on.
    pub(super) fn rule(&mut self, key: &str, info: RuleInfo) -> Result<u32, BookError> {
        let description = || rule::describe(&info);
        let entry = |number| Entry::Rule {
            number,
            key: key.to_owned(),
            description: description(),
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
    pub(super) fn metadata(
        &mut self,
        key: &str,
        content: MetadataContent,
    ) -> Result<u32, BookError> {
        if let Some(current) = self.metadata.current(key)
            && *current.content() == content
        {
            return Ok(current.index());
        }
        let from_ns = wall_ns();
        let value = MetadataEntry::new(key, from_ns, &content).value();
        let name = index_name(key, from_ns);
        let entry = |number| Entry::Metadata { number, value };
        let index = self.indexes.number(&name, &mut self.numbers, entry)?;
        self.metadata.set(index, key, content, from_ns)?;
        self.holding.insert(key.to_owned());
        if let Some(version) = self.metadata.version(index) {
            self.history.endpoint_begins(key, version, from_ns);
        }
        Ok(index)
    }

    /// The next revision of the policies, which no verdict was made under yet.
    pub(super) fn next_revision(&mut self) -> Result<u32, BookError> {
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
    pub(super) fn close_metadata(&mut self, keep: impl Fn(&str) -> bool) -> Result<(), BookError> {
        let now_ns = wall_ns();
        let holding = self.holding.iter();
        let gone: Vec<String> = holding.filter(|key| !keep(key)).cloned().collect();
        for key in gone {
            if let Some(index) = self.metadata.close(&key, now_ns) {
                self.numbers.record(&Entry::Other {
                    group: METADATA_END.to_owned(),
                    number: index,
                    value: now_ns.into(),
                })?;
                self.ended.insert(index);
            }
            self.history.endpoint_ends(&key, now_ns);
            self.holding.remove(&key);
        }
        Ok(())
    }

    /// Frees the numbers of endpoints that are in no map any more.
    pub(super) fn keep_endpoints(&mut self, names: &HashSet<&str>) -> Result<(), BookError> {
        let in_use = self.endpoints.in_use();
        let gone: Vec<u32> = in_use
            .filter(|(_, name)| !names.contains(name))
            .map(|(number, _)| number)
            .collect();
        for number in gone {
            self.endpoints.free(number, &mut self.numbers)?;
        }
        Ok(())
    }
}

/// What names a version of metadata.
fn index_name(key: &str, from_ns: u64) -> String {
    format!("{key} {from_ns}")
}

fn resume_indexes(loaded: &Loaded) -> Series {
    let range = FIRST_FREE_INDEX..=INDEX_LIMIT - 1;
    Series::resume(Kind::Metadata, range, SHORT_REST, loaded, |entry| {
        let Entry::Metadata { value, .. } = entry else {
            return None;
        };
        let entry = MetadataEntry::read(value).ok()?;
        Some(index_name(&entry.key, entry.from_ns))
    })
}

fn resume_sets(loaded: &Loaded) -> Series {
    let kind = Kind::Other(POLICY_SET.to_owned());
    Series::resume(
        kind,
        1..=SET_ENTRIES - 1,
        Duration::ZERO,
        loaded,
        |entry| match entry {
            Entry::Other { value, .. } => value.as_u64().map(|identity| identity.to_string()),
            _ => None,
        },
    )
}

/// Seconds since 1970.
pub(super) fn now_unix_s() -> u64 {
    wall_ns() / 1_000_000_000
}
