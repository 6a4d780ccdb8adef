//! Errors of calls in words: what the server said, or how the connection broke.

use std::error::Error as _;

use tonic::{Code, Status};

use super::address::Address;
use crate::output::escape::visible_lines;

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The server answered with an error.
    #[error("server {address}: {name}: {message}", name = name(*code))]
    Refused {
        /// Where the server is.
        address: String,
        /// Kind of the error.
        code: Code,
        /// The server's words.
        message: String,
    },
    /// The connection broke.
    #[error("lost the connection to the server {address}: {cause}")]
    Lost {
        /// Where the server was.
        address: String,
        /// How it broke.
        cause: String,
    },
}

impl CallError {
    /// The error of a call to this address.
    pub(super) fn new(address: &Address, status: Status) -> Self {
        let address = address.to_string();
        match transport_cause(&status) {
            Some(cause) => Self::Lost { address, cause },
            None => Self::Refused {
                address,
                code: status.code(),
                message: visible_lines(status.message()).into_owned(),
            },
        }
    }

    /// The kind of error that the server answered with.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Lost { .. } => None,
        }
    }

    /// Whether the server said itself what to do.
    pub(super) fn has_next_step(&self) -> bool {
        self.message()
            .is_some_and(|message| message.contains("`tycho ") || message.contains("`--server "))
    }

    /// What the server said.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. } => Some(message),
            Self::Lost { .. } => None,
        }
    }
}

/// What broke below gRPC, if anything did: the innermost cause. An error that the server sent has none.
pub(super) fn transport_cause(status: &Status) -> Option<String> {
    let mut cause = status.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(cause.to_string())
}

/// The code as the gRPC documents write it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
