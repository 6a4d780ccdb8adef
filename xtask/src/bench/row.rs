//! A row of the table, and its target.

use super::source::Source;

/// A target: the figure must not be beyond it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) bound: Bound,
    /// Of the target and of the figure.
    pub(super) unit: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// A bench gives its figure this name; criterion's, and one of several figures, may have `name/variant`.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) target: Option<Target>,
    pub(super) source: Source,
}

pub(super) const fn nanoseconds(most: f64) -> Option<Target> {
    at_most(most, "ns")
}

pub(super) const fn at_most(most: f64, unit: &'static str) -> Option<Target> {
    Some(Target {
        bound: Bound::AtMost(most),
        unit,
    })
}

pub(super) const fn at_least(least: f64, unit: &'static str) -> Option<Target> {
    Some(Target {
        bound: Bound::AtLeast(least),
        unit,
    })
}

pub(super) const fn row(
    name: &'static str,
    what: &'static str,
    target: Option<Target>,
    source: Source,
) -> Row {
    Row {
        name,
        what,
        target,
        source,
    }
}

impl Bound {
    pub(super) fn sign(self) -> char {
        match self {
            Self::AtMost(_) => '≤',
            Self::AtLeast(_) => '≥',
        }
    }

    pub(super) fn value(self) -> f64 {
        match self {
            Self::AtMost(value) | Self::AtLeast(value) => value,
        }
    }

    /// How many times worse a figure is than it should be; at most 1 if the target is met.
    pub(super) fn worse(self, value: f64) -> f64 {
        match self {
            Self::AtMost(most) => value / most,
            Self::AtLeast(least) => least / value,
        }
    }
}
