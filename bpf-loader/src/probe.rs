//! The programs of the object.

use crate::hook::Hook;

/// The programs, by what they are run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// A packet that leaves an endpoint.
    FromEndpoint,
    /// A packet that goes to an endpoint.
    ToEndpoint,
    /// One key to sweep.
    Sweep,
    /// Both kernel clocks.
    Clock,
    /// Nothing: the base line of benches.
    Empty,
    /// Another source port at each run, then the program of [`crate::Datapath::measure`].
    Vary,
    /// Look-ups in the policy cells or in [`crate::bench::PolicyTrie`].
    PolicyLookUps,
}

impl Probe {
    pub(crate) const ALL: [Self; 7] = [
        Self::FromEndpoint,
        Self::ToEndpoint,
        Self::Sweep,
        Self::Clock,
        Self::Empty,
        Self::Vary,
        Self::PolicyLookUps,
    ];

    /// The program's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromEndpoint => Hook::FromEndpoint.name(),
            Self::ToEndpoint => Hook::ToEndpoint.name(),
            Self::Sweep => "sweep",
            Self::Clock => "clock",
            Self::Empty => "empty",
            Self::Vary => "vary",
            Self::PolicyLookUps => "policy_look_ups",
        }
    }
}

impl From<Hook> for Probe {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::FromEndpoint => Self::FromEndpoint,
            Hook::ToEndpoint => Self::ToEndpoint,
        }
    }
}
