//! One condition of a filter, tested over 64 rows at a time.

use std::sync::atomic::{AtomicU64, Ordering};

use super::drop_reason::DropReasons;
use super::event_type::EventTypes;
use super::identity::Identities;
use super::interface::Interfaces;
use super::ip::Networks;
use super::ip_version::IpVersions;
use super::metadata::MetadataSet;
use super::port::Ports;
use super::protocol::Protocols;
use super::reply::Replies;
use super::tcp_flags::TcpFlags;
use super::traffic_direction::Directions;
use super::uuid::References;
use super::verdict::Verdicts;
use crate::row::{WORD_EVENT, WORD_IDENTITY, WORD_INTERFACE, WORD_METADATA, WORD_PORTS};
use crate::store::Segment;

/// Rows that are tested together: their results are the bits of one word.
pub(super) const BLOCK: usize = 64;

/// A compiled condition. The cheap and selective ones come first in a filter.
#[derive(Debug)]
pub(super) enum Predicate {
    Never,
    Metadata(MetadataSet),
    Verdicts(Verdicts),
    Ports(Ports),
    Protocols(Protocols),
    Identities(Identities),
    EventTypes(EventTypes),
    Directions(Directions),
    Replies(Replies),
    DropReasons(DropReasons),
    IpVersions(IpVersions),
    TcpFlags(TcpFlags),
    Interfaces(Interfaces),
    Networks(Networks),
    References(References),
}

impl Predicate {
    /// Brings what was derived from tables up to date.
    pub(super) fn prepare(&mut self) {
        match self {
            Self::Metadata(set) => set.prepare(),
            Self::Interfaces(interfaces) => interfaces.prepare(),
            _ => {}
        }
    }

    /// The rows of `mask` (bit 0 is the row at `start`) that meet the condition.
    pub(super) fn refine(&self, segment: &Segment, start: usize, mask: u64) -> u64 {
        let one = |word: usize| Rows {
            first: segment.column(word),
            second: None,
            start,
            mask,
        };
        let two = |first: usize, second: usize| Rows {
            first: segment.column(first),
            second: Some(segment.column(second)),
            start,
            mask,
        };
        match self {
            Self::Never => 0,
            Self::Metadata(set) => one(WORD_METADATA).keep(|word| set.test(word)),
            Self::Verdicts(verdicts) => one(WORD_PORTS).keep(|word| verdicts.test(word)),
            Self::Ports(ports) => one(WORD_PORTS).keep(|word| ports.test(word)),
            Self::Protocols(protocols) => one(WORD_PORTS).keep(|word| protocols.test(word)),
            Self::Identities(identities) => one(WORD_IDENTITY).keep(|word| identities.test(word)),
            Self::Directions(directions) => one(WORD_EVENT).keep(|word| directions.test(word)),
            Self::IpVersions(versions) => one(WORD_EVENT).keep(|word| versions.test(word)),
            Self::Interfaces(interfaces) => one(WORD_INTERFACE).keep(|word| interfaces.test(word)),
            Self::EventTypes(types) => {
                two(WORD_PORTS, WORD_EVENT).keep_pairs(|ports, event| types.test(ports, event))
            }
            Self::Replies(replies) => {
                two(WORD_PORTS, WORD_EVENT).keep_pairs(|ports, event| replies.test(ports, event))
            }
            Self::DropReasons(reasons) => {
                two(WORD_PORTS, WORD_EVENT).keep_pairs(|ports, event| reasons.test(ports, event))
            }
            Self::TcpFlags(flags) => {
                two(WORD_PORTS, WORD_EVENT).keep_pairs(|ports, event| flags.test(ports, event))
            }
            Self::Networks(networks) => networks.refine(segment, start, mask),
            Self::References(references) => references.refine(segment.base() + start as u64, mask),
        }
    }
}

/// Up to 64 rows of one or two columns.
struct Rows<'a> {
    first: &'a [AtomicU64],
    second: Option<&'a [AtomicU64]>,
    start: usize,
    mask: u64,
}

impl Rows<'_> {
    #[inline]
    fn keep(self, test: impl Fn(u64) -> bool) -> u64 {
        if self.mask != u64::MAX {
            return keep_bits(self.mask, |bit| test(load(self.first, self.start + bit)));
        }
        // Every row of the block: no search for the next bit, and no bounds check per row.
        let mut kept = 0;
        if let Some(block) = self
            .first
            .get(self.start..)
            .and_then(<[AtomicU64]>::first_chunk::<BLOCK>)
        {
            for (bit, word) in block.iter().enumerate() {
                kept |= u64::from(test(word.load(Ordering::Relaxed))) << bit;
            }
        }
        kept
    }

    #[inline]
    fn keep_pairs(self, test: impl Fn(u64, u64) -> bool) -> u64 {
        let second = self.second.unwrap_or(self.first);
        keep_bits(self.mask, |bit| {
            test(
                load(self.first, self.start + bit),
                load(second, self.start + bit),
            )
        })
    }
}

/// The bits of `mask` that pass a test of their position.
#[inline]
pub(super) fn keep_bits(mask: u64, test: impl Fn(usize) -> bool) -> u64 {
    let mut kept = 0;
    let mut rest = mask;
    while rest != 0 {
        let bit = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        kept |= u64::from(test(bit)) << bit;
    }
    kept
}

#[inline]
fn load(column: &[AtomicU64], row: usize) -> u64 {
    column[row].load(Ordering::Relaxed)
}
