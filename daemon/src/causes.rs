//! An error with its causes in one line, where a line is all there is: in a log, in a list, in a message.

use std::error::Error;

/// What the error says, then each of its causes.
#[must_use]
pub fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    text
}
