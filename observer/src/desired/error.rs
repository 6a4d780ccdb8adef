//! Why a number could not be given or read back.

use flow::snapshot::IndexLimit;
use policy::{CidrError, IdentityError, LabelError};
use registry::numbers::{Kind, NumbersError};

/// Why a number could not be given or read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// The store of numbers failed.
    #[error(transparent)]
    Store(#[from] NumbersError),
    /// No number of a kind can be given.
    #[error("no number for {kind} is free: {in_use} are in use, {resting} rest")]
    Exhausted {
        /// The kind.
        kind: Kind,
        /// How many are in use.
        in_use: usize,
        /// How many were freed and may not be given again yet.
        resting: usize,
    },
    /// The registry has given no number to the labels of an endpoint yet.
    #[error("{}", not_numbered(problem.as_deref()))]
    NotNumbered {
        /// Why not, if it has said anything.
        problem: Option<String>,
    },
    /// Labels and number do not fit together.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A label in the store is none.
    #[error("the store of numbers has a broken label")]
    Label(#[from] LabelError),
    /// A network in the store is none.
    #[error("the store of numbers has a broken network")]
    Prefix(#[from] CidrError),
    /// An index is beyond its table.
    #[error(transparent)]
    Index(#[from] IndexLimit),
    /// A description in the store is not ours.
    #[error(
        "the store of numbers describes {kind} {number} in a way that this version does not know"
    )]
    Description {
        /// The kind.
        kind: Kind,
        /// The number.
        number: u32,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

fn not_numbered(problem: Option<&str>) -> String {
    match problem {
        None => "the registry is asked for the number of its labels".to_owned(),
        Some(problem) => format!("its labels have no number: {problem}"),
    }
}
