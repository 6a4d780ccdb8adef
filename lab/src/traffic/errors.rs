//! Why traffic could not be made, and what the network did to it.

use std::io;

use nix::errno::Errno;
use thiserror::Error;

use crate::namespace::{Namespace, NamespaceError};

/// Why an attempt could not be made at all.
#[derive(Debug, Error)]
pub enum TrafficError {
    /// The namespace could not be entered.
    #[error("cannot make traffic in namespace {namespace}")]
    Namespace {
        /// Its name.
        namespace: String,
        /// Why.
        source: NamespaceError,
    },
    /// A socket refused something that has nothing to do with the network.
    #[error("cannot {action} {address} in namespace {namespace}")]
    Socket {
        /// What was tried, such as `bind to`.
        action: &'static str,
        /// The address it was tried with.
        address: String,
        /// Where.
        namespace: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The thread could not be bound to a CPU.
    #[error("cannot run on CPU {cpu}; `nproc` says how many there are")]
    Cpu {
        /// The number asked for.
        cpu: usize,
        /// What the kernel said.
        source: Errno,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for traffic with {address}")]
    Thread {
        /// The address it was to serve or to talk to.
        address: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// A scenario has more steps than it may have threads.
    #[error("a scenario of {count} steps is longer than the {limit} it can run")]
    TooManySteps {
        /// Steps given.
        count: usize,
        /// Steps allowed.
        limit: usize,
    },
}

/// What the network did to an attempt that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum NoAnswer {
    /// Nothing came back in time: what a dropped packet looks like.
    #[error("timed out")]
    TimedOut,
    /// The other end has nobody listening (a reset, or port unreachable).
    #[error("refused")]
    Refused,
    /// The connection was broken off.
    #[error("reset")]
    Reset,
    /// There is no way there, or a router said so.
    #[error("unreachable")]
    Unreachable,
}

impl NoAnswer {
    /// What a socket's error says about the network; `None` if it is about something else.
    pub(super) fn from_error(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(Self::TimedOut),
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Some(Self::Reset),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => Some(Self::Unreachable),
            _ => match error.raw_os_error() {
                // "Administratively prohibited" and "prohibit" routes arrive as these.
                Some(code) if code == Errno::EACCES as i32 || code == Errno::EHOSTDOWN as i32 => {
                    Some(Self::Unreachable)
                }
                _ => None,
            },
        }
    }
}

/// Runs `work` inside the namespace; both kinds of error name it.
pub(super) fn inside<T, W>(namespace: &Namespace, work: W) -> Result<T, TrafficError>
where
    T: Send,
    W: FnOnce() -> Result<T, SocketFailure> + Send,
{
    namespace
        .run(work)
        .map_err(|source| TrafficError::Namespace {
            namespace: namespace.name().to_owned(),
            source,
        })?
        .map_err(|failure| failure.at(namespace))
}

/// A [`TrafficError::Socket`] that does not know yet where it happened.
#[derive(Debug)]
pub(super) struct SocketFailure {
    action: &'static str,
    address: String,
    source: io::Error,
}

impl SocketFailure {
    /// For `map_err`: what was tried, and with which address.
    pub(super) fn of<A: ToString, E: Into<io::Error>>(
        action: &'static str,
        address: A,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self {
            action,
            address: address.to_string(),
            source: source.into(),
        }
    }

    pub(super) fn at(self, namespace: &Namespace) -> TrafficError {
        let Self {
            action,
            address,
            source,
        } = self;
        TrafficError::Socket {
            action,
            address,
            namespace: namespace.name().to_owned(),
            source,
        }
    }
}

/// Keeps what the network did apart from what could not be tried.
pub(super) fn attempt<T>(
    result: io::Result<T>,
    action: &'static str,
    address: impl ToString,
) -> Result<Result<T, NoAnswer>, SocketFailure> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match NoAnswer::from_error(&error) {
            Some(no_answer) => Ok(Err(no_answer)),
            None => Err(SocketFailure::of(action, address)(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use nix::errno::Errno;

    use super::NoAnswer;

    #[test]
    fn what_an_error_says_about_the_network() {
        let cases = [
            (Errno::ETIMEDOUT, Some(NoAnswer::TimedOut)),
            (Errno::EAGAIN, Some(NoAnswer::TimedOut)),
            (Errno::ECONNREFUSED, Some(NoAnswer::Refused)),
            (Errno::ECONNRESET, Some(NoAnswer::Reset)),
            (Errno::EPIPE, Some(NoAnswer::Reset)),
            (Errno::EHOSTUNREACH, Some(NoAnswer::Unreachable)),
            (Errno::ENETUNREACH, Some(NoAnswer::Unreachable)),
            (Errno::EACCES, Some(NoAnswer::Unreachable)),
            (Errno::EPERM, None),
            (Errno::EADDRINUSE, None),
            (Errno::EADDRNOTAVAIL, None),
            (Errno::EMFILE, None),
        ];
        for (errno, expected) in cases {
            assert_eq!(
                NoAnswer::from_error(&io::Error::from(errno)),
                expected,
                "{errno}"
            );
        }
    }
}
