//! What an earlier observer of this node has written down, brought back into the tables and journals.

use std::sync::Arc;

use policy::{Cidr, Identity, LabelSet};
use registry::numbers::{Entry, Kind, Loaded, RELEASE_KEPT_S};

use super::book::{Book, METADATA_END, REVISION, now_unix_s};
use super::content::MetadataEntry;
use super::error::BookError;
use super::history::History;
use super::rule;
use crate::pipeline::wall_ns;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A span of an identity, as the store knows it.
struct IdentitySpan {
    identity: Identity,
    labels: LabelSet,
    from_ns: u64,
    until_ns: Option<u64>,
}

impl Book {
    /// Takes everything that the store says.
    pub(super) fn adopt(&mut self, loaded: &Loaded) -> Result<(), BookError> {
        self.history = History::new(known_since_ns(loaded));
        self.adopt_identities(loaded)?;
        self.adopt_metadata(loaded)?;
        for entry in loaded.entries.values() {
            match entry {
                Entry::Rule {
                    number,
                    description,
                    ..
                } => {
                    let info = rule::read(description).map_err(unreadable(entry))?;
                    self.rule_table.set(*number, info)?;
                }
                Entry::Other { group, value, .. } if group == REVISION => {
                    let revision = value.as_u64().and_then(|revision| revision.try_into().ok());
                    self.revision = revision.unwrap_or(u32::MAX);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// In the order of time, as the journal wants them; of two numbers of one label set the later one holds.
    fn adopt_identities(&mut self, loaded: &Loaded) -> Result<(), BookError> {
        let mut spans = Vec::new();
        for released in &loaded.released {
            if let Some(was) = &released.was {
                spans.extend(span(was, Some(released.released_ns()))?);
            }
        }
        for entry in loaded.entries.values() {
            let Some(span) = span(entry, None)? else {
                continue;
            };
            if let Entry::Prefix { cidr, .. } = entry {
                let identities = Arc::make_mut(&mut self.identities);
                identities.insert_prefix(span.identity, cidr.parse::<Cidr>()?)?;
            }
            spans.push(span);
        }
        self.identity_changes += 1;
        spans.sort_by_key(|span| (span.until_ns.unwrap_or(u64::MAX), span.from_ns));
        for span in spans {
            if span.until_ns.is_none() && !span.identity.is_node_local() {
                let identities = Arc::make_mut(&mut self.identities);
                identities.supersede(span.identity, span.labels.clone())?;
                self.claim(span.identity);
            }
            self.history
                .identity_begins(span.identity, span.labels, span.from_ns);
            if let Some(until_ns) = span.until_ns {
                self.history.identity_ends(span.identity, until_ns);
            }
        }
        Ok(())
    }

    fn adopt_metadata(&mut self, loaded: &Loaded) -> Result<(), BookError> {
        let mut versions = Vec::new();
        for entry in loaded.entries_of(&Kind::Metadata) {
            if let Entry::Metadata { number, value } = entry {
                versions.push((
                    *number,
                    MetadataEntry::read(value).map_err(unreadable(entry))?,
                ));
            }
        }
        // Numbers go round, so the order of the numbers is not that of time.
        versions.sort_by_key(|(number, entry)| (entry.from_ns, *number));
        for (number, entry) in versions {
            let (key, from_ns) = (entry.key.as_str(), entry.from_ns);
            self.metadata.set(number, key, entry.content()?, from_ns)?;
            if let Some(version) = self.metadata.version(number) {
                self.history.endpoint_begins(key, version, from_ns);
            }
            match end_of(loaded, number) {
                Some(until_ns) => {
                    self.metadata.close(key, until_ns);
                    self.history.endpoint_ends(key, until_ns);
                    self.ended.insert(number);
                    self.holding.remove(key);
                }
                None => {
                    self.holding.insert(entry.key);
                }
            }
        }
        Ok(())
    }
}

/// Everything that has ended since then is in the store: releases are kept for a while, and before its first entry there
/// was nothing.
fn known_since_ns(loaded: &Loaded) -> u64 {
    let ended = loaded.released.iter().filter_map(|one| one.was.as_deref());
    let all = loaded.entries.values().chain(ended);
    let times = all.filter_map(|entry| match entry {
        Entry::Identity { from_ns, .. } => *from_ns,
        Entry::Prefix { from_ns, .. } => Some(*from_ns),
        _ => None,
    });
    let first_ns = times.min().unwrap_or_else(wall_ns);
    let kept_ns = now_unix_s()
        .saturating_sub(RELEASE_KEPT_S)
        .saturating_mul(NANOS_PER_SECOND);
    first_ns.max(kept_ns)
}

/// The identity of an entry, if it is about one. An earlier version wrote no times: such a one holds since now.
fn span(entry: &Entry, until_ns: Option<u64>) -> Result<Option<IdentitySpan>, BookError> {
    let (number, labels, from_ns) = match entry {
        Entry::Identity {
            number,
            labels,
            from_ns,
        } => (number, LabelSet::parse(labels)?, *from_ns),
        Entry::Prefix {
            number,
            cidr,
            from_ns,
        } => (
            number,
            Identity::prefix_labels(cidr.parse()?),
            Some(*from_ns),
        ),
        _ => return Ok(None),
    };
    Ok(Some(IdentitySpan {
        identity: Identity(*number),
        labels,
        from_ns: from_ns.unwrap_or_else(wall_ns),
        until_ns,
    }))
}

fn end_of(loaded: &Loaded, index: u32) -> Option<u64> {
    let place = (Kind::Other(METADATA_END.to_owned()), index);
    match loaded.entries.get(&place)? {
        Entry::Other { value, .. } => value.as_u64(),
        _ => None,
    }
}

fn unreadable(entry: &Entry) -> impl FnOnce(serde_json::Error) -> BookError {
    let (kind, number) = (entry.kind(), entry.number());
    move |source| BookError::Description {
        kind,
        number,
        source,
    }
}
