//! One question, one answer: calls that are not streams, with errors that say what to do next.

use std::time::Duration;

use tonic::Code;

use super::address::{self, Target};
use super::{CallError, ConnectError, Connection};
use crate::output::escape::visible;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// No server answered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refused the call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The server refused the call, and there is something to do about it.
    #[error("{refusal}\n{next_step}")]
    Refused {
        /// Its words.
        refusal: CallError,
        /// What to do.
        next_step: String,
    },
    /// The server took too long.
    #[error(
        "server {address}: no answer to {question} within {timeout:?}; `--timeout` gives it more"
    )]
    Slow {
        /// Where the server is.
        address: String,
        /// What was asked.
        question: &'static str,
        /// How long.
        timeout: Duration,
    },
    /// The server does not have the service.
    #[error(
        "server {address} cannot be asked for {question}: that needs {needed}\n\
         name another with `--server ADDRESS`"
    )]
    NotTycho {
        /// Where the server is.
        address: String,
        /// What was asked.
        question: &'static str,
        /// What would have it.
        needed: String,
    },
}

impl Connection {
    /// Waits for an answer no longer than the user allows. `question` says in words what is asked for.
    pub(crate) async fn ask<T>(
        &self,
        question: &'static str,
        answer: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Result<T, AskError> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(self.refused(question, status)),
            Err(_) => Err(AskError::Slow {
                address: self.address.to_string(),
                question,
                timeout: self.timeout,
            }),
        }
    }

    fn refused(&self, question: &'static str, status: tonic::Status) -> AskError {
        let error = self.call_error(status);
        match (error.code(), &self.address.target) {
            (Some(Code::Unimplemented), _) => AskError::NotTycho {
                address: self.address.to_string(),
                question,
                needed: self.needed(),
            },
            (Some(Code::PermissionDenied), Target::Tcp { .. }) if !error.has_next_step() => {
                AskError::Refused {
                    refusal: error,
                    next_step: format!(
                        "changes go over the observer's own socket: as root on its node, with `--server {}`; or over TLS, with \
                         the certificate of an admin",
                        address::socket()
                    ),
                }
            }
            _ => AskError::Call(error),
        }
    }

    /// What the server would have to be, as it is not.
    fn needed(&self) -> String {
        let version = match &self.status {
            Ok(status) if status.num_connected_nodes.is_some() => {
                return "the observer of a node, and this is a relay".to_owned();
            }
            Ok(status) => visible(&status.version),
            Err(_) => "unknown".into(),
        };
        if version.contains("tycho") {
            format!("a Tycho observer of this version, and this one is {version}")
        } else {
            format!("a Tycho observer, and this is a Hubble server (version {version})")
        }
    }
}

impl AskError {
    /// The same error with what to do about it, if it is of this kind and the server did not say so itself.
    pub(crate) fn next_step(self, code: Code, next_step: &str) -> Self {
        match self {
            Self::Call(refusal) if refusal.code() == Some(code) && !refusal.has_next_step() => {
                Self::Refused {
                    refusal,
                    next_step: next_step.to_owned(),
                }
            }
            other => other,
        }
    }
}
