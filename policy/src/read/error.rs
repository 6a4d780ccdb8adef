//! What is wrong with a policy file, and where.

use std::fmt::{self, Write as _};

use thiserror::Error;

/// The first thing that is wrong with a policy file. Nothing of the file is used then.
///
/// Prints as `file:line: field: reason`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ReadError {
    /// The file's name as given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The path of the field in its document, for example `spec.ingress[0].toPorts`; empty for the whole document.
    pub field: String,
    /// What is wrong with it.
    pub reason: ReadReason,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadReason {
    /// The text is no YAML.
    #[error("not valid YAML: {0}")]
    Yaml(String),
    /// The policy language has the field, Tycho does not enforce it, and so the policy cannot mean what it says.
    #[error("this field is not supported: {0}")]
    Unsupported(
        /// What to do instead.
        &'static str,
    ),
    /// The policy language has no such field here.
    #[error("unknown field")]
    Unknown,
    /// A field that must be there is not.
    #[error("this field is missing")]
    Missing,
    /// The field has no value. Reading it as absent could widen the policy.
    #[error("this field has no value: give it one or remove the field")]
    Empty,
    /// A value of the wrong type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A value of the right type that means nothing.
    #[error("{0}")]
    Invalid(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            field,
            reason,
        } = self;
        let separator = if field.is_empty() { "" } else { ": " };
        // The file's own words may hold line ends and what steers a terminal: these are shown as escapes.
        for character in format!("{file}:{line}: {field}{separator}{reason}").chars() {
            if character.is_control() {
                write!(out, "{}", character.escape_default())?;
            } else {
                out.write_char(character)?;
            }
        }
        Ok(())
    }
}
