//! Policy sets: `POLICY_SETS` (set → generation), `POLICY_GENERATIONS` (generation → header) and `POLICY_CELLS`.
//!
//! Endpoints with one identity share a set. A change of several cells writes a whole new generation, then one 32-bit store
//! to `POLICY_SETS` switches every endpoint of the set at once.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Entries of `POLICY_SETS`.
pub const SET_ENTRIES: u32 = 16_384;
/// Entries of `POLICY_GENERATIONS`.
pub const GENERATION_ENTRIES: u32 = 32_768;
/// Default entries of `POLICY_CELLS`. A change needs room for the old cells and the new ones.
pub const CELL_ENTRIES: u32 = 524_288;

/// Bit of a prefix mask that says: cells for every protocol exist. Bits 0 to 16 are port prefix lengths in use.
pub const PREFIXES_ANY_PROTOCOL: u32 = 1 << 17;

/// Header of one generation: which lookups can match at all.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct PolicyHeader {
    /// Revision of the rules, reported in events.
    pub revision: u32,
    /// `ENFORCED_*` bits.
    pub flags: u32,
    /// Prefix masks of cells with an identity: [ingress, egress].
    pub identity_prefixes: [u32; 2],
    /// Prefix masks of cells for any identity: [ingress, egress].
    pub any_prefixes: [u32; 2],
    /// Prefix masks of audited denies, with an identity and for any alike: [ingress, egress].
    pub audit_prefixes: [u32; 2],
    /// Rule numbers that name the policies of a default deny: [ingress, egress]; those that audit if none enforces.
    pub default_rules: [u32; 2],
}

/// Ingress is enforced: without a matching allow it is denied.
pub const ENFORCED_INGRESS: u32 = 1;
/// Egress is enforced.
pub const ENFORCED_EGRESS: u32 = 2;
/// Ingress that no allow matches passes with the verdict AUDIT, if it is not enforced.
pub const AUDITED_INGRESS: u32 = 4;
/// The same of egress.
pub const AUDITED_EGRESS: u32 = 8;

/// Key of `POLICY_CELLS`.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct PolicyKey {
    /// Generation of the set.
    pub generation: u32,
    /// Peer identity, or 0 for any.
    pub identity: u32,
    /// Port (or ICMP type) with the bits below the prefix cleared.
    pub port: u16,
    /// IP protocol, or 0 for any.
    pub protocol: u8,
    /// Prefix length 0 to 16, plus [`DIRECTION_BIT_EGRESS`] and [`AUDIT_BIT`].
    pub prefix: u8,
}

/// Set in [`PolicyKey::prefix`] for denies of policies that only audit: they are looked up when everything else lets pass.
pub const AUDIT_BIT: u8 = 0x40;

/// Set in [`PolicyKey::prefix`] for egress cells.
pub const DIRECTION_BIT_EGRESS: u8 = 0x80;

/// Value of `POLICY_CELLS`: the winning rule for exactly this key.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct PolicyCell {
    /// Smaller wins among all matching cells.
    pub rank: u32,
    /// Rule number for the event.
    pub rule: u32,
    /// `ACTION_*`.
    pub action: u8,
    /// `MATCH_*` of `record`.
    pub match_type: u8,
    /// Keeps the size a multiple of four.
    pub reserved: u16,
}

/// The packet is denied.
pub const ACTION_DENY: u8 = 0;
/// The packet is allowed.
pub const ACTION_ALLOW: u8 = 1;

/// Rule number of what nothing decided: a direction that is not enforced. A default deny has a number of its own, which
/// names its policies.
pub const RULE_NONE: u32 = 0;
/// Rule number of traffic between the node and its own endpoints (`reserved:local-host`).
pub const RULE_LOCAL_HOST: u32 = 1;
/// Numbers from here on belong to policy rules.
pub const RULE_FIRST: u32 = 16;
