//! A server names the field of a filter that it refuses. Whoever wrote flags is told which.

use tonic::Code;

use super::{FlowArgs, ObserveError, StreamError};
use crate::connection::CallError;

/// The error with the flags that are meant, if it is about a filter.
pub(super) fn with_flags(error: ObserveError, args: &FlowArgs) -> ObserveError {
    match error {
        ObserveError::Stream(StreamError::Call(refusal)) => match next_step(&refusal, args) {
            Some(next_step) => ObserveError::Refused { refusal, next_step },
            None => StreamError::Call(refusal).into(),
        },
        other => other,
    }
}

fn next_step(refusal: &CallError, args: &FlowArgs) -> Option<String> {
    if refusal.code() != Some(Code::InvalidArgument) {
        return None;
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = refusal.message()?.split(|character| !is_part(character));
    let filter = proto::descriptor_pool().get_message_by_name("flow.FlowFilter")?;
    let field = words
        .filter(|word| filter.get_field_by_name(word).is_some())
        .find(|field| args.sets(field))?;
    let flags = args.filters.flags_that_set(field);
    let named = if flags.is_empty() {
        "--allowlist or --denylist".to_owned()
    } else {
        flags.join(" and ")
    };
    Some(format!(
        "{field} is what {named} asks for: leave it out, or give it another value"
    ))
}

impl FlowArgs {
    /// Whether a flag sets the field of a filter, or may do so.
    fn sets(&self, field: &str) -> bool {
        let raw = self.allowlist.iter().chain(&self.denylist);
        !self.filters.flags_that_set(field).is_empty()
            || raw.into_iter().any(|filter| filter.contains(field))
    }
}
