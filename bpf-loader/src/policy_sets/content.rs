//! What one generation says: its header without the revision, and its cells; and how one content becomes another.

use std::hash::{DefaultHasher, Hash, Hasher};

use bpf_events::policy::{
    ACTION_ALLOW, ACTION_DENY, AUDIT_BIT, AUDITED_EGRESS, AUDITED_INGRESS, DIRECTION_BIT_EGRESS,
    ENFORCED_EGRESS, ENFORCED_INGRESS, PolicyCell, PolicyHeader, PolicyKey,
};
use policy::{Action, Cell, Direction, Identity, PolicySet, RuleRef};
use zerocopy::IntoBytes;

/// A [`PolicyKey`] without its generation, as one number: identity, port, protocol, prefix.
type Place = u64;

/// The content of a generation. Cells are sorted by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    fingerprint: u64,
    /// Revision 0.
    header: PolicyHeader,
    places: Vec<Place>,
    cells: Vec<PolicyCell>,
}

/// Cells to be added to a content and taken from it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) added: Vec<(Place, PolicyCell)>,
    pub(super) removed: Vec<Place>,
}

impl Content {
    /// From a compiled set.
    pub(super) fn of(
        policy: &PolicySet,
        default_rules: [u32; 2],
        rule_number: impl Fn(RuleRef) -> u32,
    ) -> Self {
        let entry = |cell: &Cell| (place(cell), value(cell, rule_number(cell.rule)));
        Self::new(
            header(policy, default_rules),
            policy.cells.iter().map(entry).collect(),
        )
    }

    /// From what stands in the kernel.
    pub(super) fn new(header: PolicyHeader, mut entries: Vec<(Place, PolicyCell)>) -> Self {
        entries.sort_unstable_by_key(|(place, _)| *place);
        let (places, cells): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let header = PolicyHeader {
            revision: 0,
            ..header
        };
        let mut hasher = DefaultHasher::new();
        header.as_bytes().hash(&mut hasher);
        places.as_bytes().hash(&mut hasher);
        cells.as_bytes().hash(&mut hasher);
        Self {
            fingerprint: hasher.finish(),
            header,
            places,
            cells,
        }
    }

    /// Equal contents have equal fingerprints.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The header of a generation with this content.
    pub(super) fn header(&self, revision: u32) -> PolicyHeader {
        PolicyHeader {
            revision,
            ..self.header
        }
    }

    /// The keys of a generation with this content.
    pub(super) fn keys(&self, generation: u32) -> impl Iterator<Item = PolicyKey> {
        self.places.iter().map(move |place| key(generation, *place))
    }

    /// The cells in the order of the keys.
    pub(super) fn cells(&self) -> &[PolicyCell] {
        &self.cells
    }

    /// How this becomes `wanted` by cells alone that no packet can be looking for, since nothing resolves to their
    /// identities; `None` if it takes more than that.
    pub(super) fn edit_to(
        &self,
        wanted: &Self,
        in_use: &impl Fn(Identity) -> bool,
    ) -> Option<Edit> {
        let quiet = |place: Place| identity(place).is_some_and(|identity| !in_use(identity));
        if without_masks(&self.header) != without_masks(&wanted.header) {
            return None;
        }
        let mut edit = Edit::default();
        let (mut mine, mut theirs) = (0, 0);
        loop {
            let (old, new) = (self.places.get(mine), wanted.places.get(theirs));
            match (old, new) {
                (None, None) => return Some(edit),
                (Some(old), Some(new)) if old == new => {
                    if self.cells[mine] != wanted.cells[theirs] {
                        return None;
                    }
                    mine += 1;
                    theirs += 1;
                }
                (Some(old), new) if new.is_none_or(|new| old < new) => {
                    if !quiet(*old) {
                        return None;
                    }
                    edit.removed.push(*old);
                    mine += 1;
                }
                (_, new) => {
                    let new = *new?;
                    if !quiet(new) {
                        return None;
                    }
                    edit.added.push((new, wanted.cells[theirs]));
                    theirs += 1;
                }
            }
        }
    }

    /// The header with the prefix masks of both contents: programs look for the cells of either.
    pub(super) fn header_of_both(&self, other: &Self, revision: u32) -> PolicyHeader {
        let either = |mine: [u32; 2], theirs: [u32; 2]| [mine[0] | theirs[0], mine[1] | theirs[1]];
        let (mine, theirs) = (self.header, other.header);
        PolicyHeader {
            revision,
            identity_prefixes: either(mine.identity_prefixes, theirs.identity_prefixes),
            any_prefixes: either(mine.any_prefixes, theirs.any_prefixes),
            audit_prefixes: either(mine.audit_prefixes, theirs.audit_prefixes),
            ..mine
        }
    }
}

/// What decides besides cells; the masks only say where cells are.
fn without_masks(header: &PolicyHeader) -> PolicyHeader {
    PolicyHeader {
        identity_prefixes: [0; 2],
        any_prefixes: [0; 2],
        audit_prefixes: [0; 2],
        ..*header
    }
}

fn header(policy: &PolicySet, default_rules: [u32; 2]) -> PolicyHeader {
    let flags = [
        (policy.ingress_enforced, ENFORCED_INGRESS),
        (policy.egress_enforced, ENFORCED_EGRESS),
        (policy.ingress_audited, AUDITED_INGRESS),
        (policy.egress_audited, AUDITED_EGRESS),
    ];
    let masks = |of: &dyn Fn(Direction) -> u32| [Direction::Ingress, Direction::Egress].map(of);
    PolicyHeader {
        revision: 0,
        flags: flags
            .into_iter()
            .fold(0, |flags, (set, bit)| flags | if set { bit } else { 0 }),
        identity_prefixes: masks(&|direction| policy.lookup_mask(direction, true)),
        any_prefixes: masks(&|direction| policy.lookup_mask(direction, false)),
        audit_prefixes: masks(&|direction| policy.audit_mask(direction)),
        default_rules,
    }
}

fn value(cell: &Cell, rule: u32) -> PolicyCell {
    PolicyCell {
        rank: cell.rank,
        rule,
        action: match cell.action {
            Action::Allow => ACTION_ALLOW,
            Action::Deny => ACTION_DENY,
        },
        match_type: cell.match_type.number(),
        reserved: 0,
    }
}

fn place(cell: &Cell) -> Place {
    let direction = match cell.direction {
        Direction::Ingress => 0,
        Direction::Egress => DIRECTION_BIT_EGRESS,
    };
    place_of(&PolicyKey {
        generation: 0,
        identity: cell.identity.map_or(0, |identity| identity.0),
        port: cell.port,
        protocol: cell.protocol.unwrap_or(0),
        prefix: cell.port_prefix | direction | if cell.audit { AUDIT_BIT } else { 0 },
    })
}

/// The place of a key in its generation.
pub(super) fn place_of(key: &PolicyKey) -> Place {
    u64::from(key.identity) << 32
        | u64::from(key.port) << 16
        | u64::from(key.protocol) << 8
        | u64::from(key.prefix)
}

/// The key of a place in a generation.
pub(super) fn key(generation: u32, place: Place) -> PolicyKey {
    PolicyKey {
        generation,
        identity: (place >> 32) as u32,
        port: (place >> 16) as u16,
        protocol: (place >> 8) as u8,
        prefix: place as u8,
    }
}

/// Whom a cell is for; `None` is anybody.
fn identity(place: Place) -> Option<Identity> {
    let number = (place >> 32) as u32;
    (number != 0).then_some(Identity(number))
}
