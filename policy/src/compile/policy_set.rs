//! A compiled policy set, and the look-up that the kernel does in it.

use std::cmp::Ordering;

use crate::evaluate::Decision;
use crate::identity::Identity;
use crate::label::LabelSet;
use crate::match_type::MatchType;
use crate::rule::{Action, Direction};
use crate::rule_set::RuleRef;

/// Bit of a look-up mask: there are cells for every protocol. Bits 0 to 16 are port prefix lengths.
pub const LOOKUP_ANY_PROTOCOL: u32 = 1 << 17;

/// Which endpoints share a policy set: those with one identity, whose labels these are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicySetId(pub LabelSet);

/// One entry of a policy set: the key that the kernel looks up, and what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Direction of the connection, seen from the endpoint.
    pub direction: Direction,
    /// It belongs to a deny rule of a policy that only audits, and is looked up only if nothing else denies.
    pub audit: bool,
    /// The other side; `None` is anybody.
    pub identity: Option<Identity>,
    /// IP protocol; `None` is any, and then port and prefix are 0.
    pub protocol: Option<u8>,
    /// Service port with the bits below the prefix 0; for ICMP and ICMPv6 the type.
    pub port: u16,
    /// How many leading bits of the port count, 0 to 16; 0 is any port.
    pub port_prefix: u8,
    /// The smallest rank of all cells that match a packet wins.
    pub rank: u32,
    /// The rule that put it here.
    pub rule: RuleRef,
    /// What the rule does.
    pub action: Action,
    /// What a match here is called.
    pub match_type: MatchType,
}

/// A cell's key in the order in which cells are sorted.
type CellKey = (Direction, bool, Option<Identity>, Option<u8>, u8, u16);

impl Cell {
    fn key(&self) -> CellKey {
        (
            self.direction,
            self.audit,
            self.identity,
            self.protocol,
            self.port_prefix,
            self.port,
        )
    }
}

/// What the kernel knows about the policy of endpoints with one label set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySet {
    /// Whether ingress that no cell matches is dropped.
    pub ingress_enforced: bool,
    /// Whether egress that no cell matches is dropped.
    pub egress_enforced: bool,
    /// Whether a policy that only audits would drop ingress that no cell matches.
    pub ingress_audited: bool,
    /// Whether a policy that only audits would drop egress that no cell matches.
    pub egress_audited: bool,
    /// Sorted by key; one cell per key: that of the smallest rank. Cells count even where the direction is not enforced,
    /// since a policy without default deny may still deny.
    pub cells: Vec<Cell>,
    /// By [`mask_place`].
    lookup_masks: [u32; 6],
}

impl PolicySet {
    /// A set of cells in any order, with any number per key. Of each direction: whether it is enforced, and audited.
    pub(crate) fn new(
        (ingress_enforced, ingress_audited): (bool, bool),
        (egress_enforced, egress_audited): (bool, bool),
        mut cells: Vec<Cell>,
    ) -> Self {
        cells.sort_unstable_by(|a, b| a.key().cmp(&b.key()).then(a.rank.cmp(&b.rank)));
        cells.dedup_by(|later, kept| later.key() == kept.key());
        let mut lookup_masks = [0; 6];
        for cell in &cells {
            let bit = if cell.protocol.is_some() {
                1 << cell.port_prefix
            } else {
                LOOKUP_ANY_PROTOCOL
            };
            let sort = Sort::of(cell.audit, cell.identity.is_some());
            lookup_masks[mask_place(cell.direction, sort)] |= bit;
        }
        Self {
            ingress_enforced,
            egress_enforced,
            ingress_audited,
            egress_audited,
            cells,
            lookup_masks,
        }
    }

    /// Whether what no cell matches is dropped.
    pub fn enforced(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.ingress_enforced,
            Direction::Egress => self.egress_enforced,
        }
    }

    /// Whether a policy that only audits would drop what no cell matches. Where the direction is enforced it is dropped
    /// anyhow.
    pub fn audited(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.ingress_audited,
            Direction::Egress => self.egress_audited,
        }
    }

    /// The port prefix lengths in use, for any sort of cell: bit `n` is set for prefix length `n` (0 to 16).
    pub fn port_prefixes(&self, direction: Direction) -> u32 {
        let all = self.lookup_mask(direction, true)
            | self.lookup_mask(direction, false)
            | self.audit_mask(direction);
        all & !LOOKUP_ANY_PROTOCOL
    }

    /// Which look-ups can find a cell that is not for audit, among those with an identity or those for anybody: bit `n`
    /// (0 to 16) for cells with a protocol and prefix length `n`, [`LOOKUP_ANY_PROTOCOL`] for cells without a protocol.
    pub fn lookup_mask(&self, direction: Direction, by_identity: bool) -> u32 {
        self.lookup_masks[mask_place(direction, Sort::of(false, by_identity))]
    }

    /// The same of cells for audit, those with an identity and those for anybody together.
    pub fn audit_mask(&self, direction: Direction) -> u32 {
        self.lookup_masks[mask_place(direction, Sort::Audit)]
    }

    /// What the kernel decides: the smallest rank among the cells for {this identity, anybody} × {the protocol with each
    /// prefix length in use, any protocol}; if that lets pass, the same among the cells for audit. Cells of equal rank
    /// that match one packet come from one rule and say the same, so the order of look-ups does not matter.
    pub fn lookup(
        &self,
        direction: Direction,
        identity: Identity,
        protocol: u8,
        port: u16,
    ) -> Decision {
        let found = |audit| {
            let cell = self.smallest(direction, audit, identity, protocol, port)?;
            Some(Decision::by_rule(
                cell.rule,
                cell.action,
                audit,
                cell.match_type,
            ))
        };
        let first = found(false);
        match first {
            Some(decision) if !decision.passes() => decision,
            None if self.enforced(direction) => Decision::default_deny(false),
            _ => found(true).or(first).unwrap_or_else(|| {
                if self.audited(direction) {
                    Decision::default_deny(true)
                } else {
                    Decision::UNENFORCED
                }
            }),
        }
    }

    fn smallest(
        &self,
        direction: Direction,
        audit: bool,
        identity: Identity,
        protocol: u8,
        port: u16,
    ) -> Option<&Cell> {
        let keys = [Some(identity), None].into_iter().flat_map(|peer| {
            let mask = self.lookup_masks[mask_place(direction, Sort::of(audit, peer.is_some()))];
            let with_protocol = (0u8..=16)
                .filter(move |prefix| mask & 1 << prefix != 0)
                .map(move |prefix| (Some(protocol), prefix, masked(port, prefix)));
            let any = (mask & LOOKUP_ANY_PROTOCOL != 0).then_some((None, 0, 0));
            with_protocol
                .chain(any)
                .map(move |(protocol, prefix, port)| {
                    (direction, audit, peer, protocol, prefix, port)
                })
        });
        keys.filter_map(|key| self.cell(&key))
            .min_by_key(|cell| cell.rank)
    }

    fn cell(&self, key: &CellKey) -> Option<&Cell> {
        let compare = |cell: &Cell| -> Ordering { cell.key().cmp(key) };
        Some(&self.cells[self.cells.binary_search_by(compare).ok()?])
    }
}

/// Cells that share a mask.
#[derive(Clone, Copy)]
enum Sort {
    ByIdentity,
    Anybody,
    Audit,
}

impl Sort {
    fn of(audit: bool, by_identity: bool) -> Self {
        match (audit, by_identity) {
            (true, _) => Self::Audit,
            (false, true) => Self::ByIdentity,
            (false, false) => Self::Anybody,
        }
    }
}

fn mask_place(direction: Direction, sort: Sort) -> usize {
    let first = if direction == Direction::Ingress {
        0
    } else {
        3
    };
    first + sort as usize
}

fn masked(port: u16, prefix: u8) -> u16 {
    if prefix == 0 {
        0
    } else {
        port & (u16::MAX << (16 - prefix))
    }
}
