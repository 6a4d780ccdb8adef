//! How a packet matched the rule that decided.

use crate::rule::L4Form;

/// Cilium's policy match types; the numbers are those of the event record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MatchType {
    /// No rule matched.
    None = 0,
    /// By identity alone.
    L3Only = 1,
    /// By identity, protocol and port.
    L3L4 = 2,
    /// By protocol and port alone.
    L4Only = 3,
    /// By a rule for everything, or because the direction is not enforced.
    All = 4,
    /// By identity and protocol.
    L3Proto = 5,
    /// By protocol alone.
    ProtoOnly = 6,
}

impl MatchType {
    /// The type of a match by identity (or not) and by one form of the rule's ports.
    pub fn of(by_identity: bool, form: L4Form) -> Self {
        match (by_identity, form) {
            (true, L4Form::AnyProtocol) => Self::L3Only,
            (true, L4Form::Protocol) => Self::L3Proto,
            (true, L4Form::Port) => Self::L3L4,
            (false, L4Form::AnyProtocol) => Self::All,
            (false, L4Form::Protocol) => Self::ProtoOnly,
            (false, L4Form::Port) => Self::L4Only,
        }
    }

    /// The number in the record.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The type of a number in a record.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::None,
            Self::L3Only,
            Self::L3L4,
            Self::L4Only,
            Self::All,
            Self::L3Proto,
            Self::ProtoOnly,
        ]
        .into_iter()
        .find(|candidate| candidate.number() == number)
    }
}
