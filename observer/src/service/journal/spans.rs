//! The spans that a request asks for, and what is said of each.

use flow::journal::Span;
use flow::selection::timestamp;
use policy::{Identity, LabelSet};
use proto::tycho::v1::journal_entry::What;
use proto::tycho::v1::{
    EndpointVersion as EndpointMessage, IdentityMeaning, JournalEntry, JournalKind, PolicyRevision,
};

use super::Wanted;
use super::policies::{PolicySpan, policy_spans};
use crate::control::Snapshot;
use crate::desired::EndpointVersion;
use crate::service::selection::label_texts;

/// Where a span stands in the order of all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    from_ns: u64,
    kind: i32,
    key: String,
}

impl Place {
    /// The place as a page's token.
    pub(super) fn token(&self) -> String {
        let Self { from_ns, kind, key } = self;
        format!("{from_ns}.{kind}.{key}")
    }

    /// What [`Place::token`] gives.
    pub(super) fn parse(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, '.');
        Some(Self {
            from_ns: parts.next()?.parse().ok()?,
            kind: parts.next()?.parse().ok()?,
            key: parts.next()?.to_owned(),
        })
    }
}

/// One span, and where it stands.
pub(super) struct Found<'a> {
    pub(super) place: Place,
    until_ns: Option<u64>,
    held: Held<'a>,
}

/// What held.
enum Held<'a> {
    Endpoint(&'a str, &'a EndpointVersion),
    Identity(Identity, &'a LabelSet),
    Policy(PolicySpan<'a>),
    Revision {
        revision: u32,
        policies: usize,
        rules: usize,
    },
}

/// Every span that is asked for, in no order.
pub(super) fn find<'a>(snapshot: &'a Snapshot, wanted: &Wanted) -> Vec<Found<'a>> {
    let view = &snapshot.view;
    let mut found = Vec::new();
    if wanted.has(JournalKind::JournalEndpoint) {
        let spans = view.endpoint_journal.all_spans();
        let spans = spans.filter(|(_, span)| {
            overlaps(span, wanted) && wanted.selection.matches(&span.value.0.content().labels)
        });
        found.extend(spans.map(|(name, span)| {
            let held = Held::Endpoint(name, &span.value);
            let place = place(JournalKind::JournalEndpoint, span.from_ns, name.clone());
            of(place, span.until_ns, held)
        }));
    }
    if wanted.has(JournalKind::JournalIdentity) {
        let spans = view.identity_journal.all_spans();
        let spans = spans
            .filter(|(_, span)| overlaps(span, wanted) && wanted.selection.matches(&span.value));
        found.extend(spans.map(|(identity, span)| {
            let held = Held::Identity(*identity, &span.value);
            let key = format!("{:010}", identity.0);
            let place = place(JournalKind::JournalIdentity, span.from_ns, key);
            of(place, span.until_ns, held)
        }));
    }
    if wanted.has(JournalKind::JournalPolicy) {
        let spans = policy_spans(view).into_iter();
        let spans = spans.filter(|span| overlaps(&span.span, wanted));
        found.extend(spans.map(|span| {
            let key = span.policy.name.to_string();
            let place = place(JournalKind::JournalPolicy, span.span.from_ns, key);
            of(place, span.span.until_ns, Held::Policy(span))
        }));
    }
    if wanted.has(JournalKind::JournalRevision) {
        let spans = view.revisions.all_spans();
        let spans = spans.filter(|(_, span)| overlaps(span, wanted));
        found.extend(spans.map(|(revision, span)| {
            let held = Held::Revision {
                revision: *revision,
                policies: span.value.policies().len(),
                rules: span.value.len(),
            };
            let key = format!("{revision:010}");
            let place = place(JournalKind::JournalRevision, span.from_ns, key);
            of(place, span.until_ns, held)
        }));
    }
    found
}

fn overlaps<V>(span: &Span<V>, wanted: &Wanted) -> bool {
    span.overlaps(wanted.since_ns, wanted.until_ns)
}

fn place(kind: JournalKind, from_ns: u64, key: String) -> Place {
    Place {
        from_ns,
        kind: kind.into(),
        key,
    }
}

fn of(place: Place, until_ns: Option<u64>, held: Held<'_>) -> Found<'_> {
    Found {
        place,
        until_ns,
        held,
    }
}

impl Found<'_> {
    /// The span as the client reads it.
    pub(super) fn entry(&self, node_name: &str, snapshot: &Snapshot) -> JournalEntry {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let what = match &self.held {
            Held::Endpoint(name, version) => {
                let holds = self.until_ns.is_none();
                What::Endpoint(endpoint(name, version, holds, snapshot))
            }
            Held::Identity(identity, labels) => What::Identity(IdentityMeaning {
                identity: identity.0,
                labels: label_texts(labels),
            }),
            Held::Policy(span) => What::Policy(span.message()),
            Held::Revision {
                revision,
                policies,
                rules,
            } => What::Revision(PolicyRevision {
                revision: *revision,
                policies: count(*policies),
                rules: count(*rules),
            }),
        };
        JournalEntry {
            node_name: node_name.to_owned(),
            from: Some(timestamp(self.place.from_ns)),
            until: self.until_ns.map(timestamp),
            what: Some(what),
        }
    }
}

/// A version of an endpoint. Its addresses are in no version: those of now are known while it holds.
fn endpoint(
    name: &str,
    version: &EndpointVersion,
    holds: bool,
    snapshot: &Snapshot,
) -> EndpointMessage {
    let content = version.0.content();
    let workload = content.workloads.first();
    let planned = snapshot.endpoint(name).filter(|_| holds);
    let addresses = planned.iter().flat_map(|endpoint| &endpoint.spec.ips);
    EndpointMessage {
        name: name.to_owned(),
        number: content.endpoint_id,
        identity: content.identity,
        labels: label_texts(&content.labels),
        workload: workload
            .map(|workload| format!("{}/{}", workload.kind, workload.name))
            .unwrap_or_default(),
        addresses: addresses.map(ToString::to_string).collect(),
        metadata: version.0.index(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_from_its_token() {
        let place = place(
            JournalKind::JournalPolicy,
            17,
            "NetworkPolicy/shop/db.v2".to_owned(),
        );
        assert_eq!(Place::parse(&place.token()), Some(place));
        for bad in ["x", "1.2", "1.x.key", "-1.2.key"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
