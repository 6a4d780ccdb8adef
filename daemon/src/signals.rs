//! SIGTERM and SIGINT: the first one asks for a drain, the second one ends the process at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit status after a second signal: 128 + the signal's number, as a shell reports it.
const EXIT_BASE: i32 = 128;

/// The handlers, installed. From here on the signals no longer end the process by themselves, so
/// [`Signals::run`] has to run.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers. Call it before binding or loading anything, so that a signal during
    /// the start drains too.
    ///
    /// # Errors
    /// When the handlers cannot be registered.
    pub fn install() -> Result<Self, SignalError> {
        let handler = |kind: SignalKind, name: &'static str| {
            signal(kind).map_err(|source| SignalError { name, source })
        };
        Ok(Self {
            terminate: handler(SignalKind::terminate(), "SIGTERM")?,
            interrupt: handler(SignalKind::interrupt(), "SIGINT")?,
        })
    }

    /// Cancels `cancel` on the first signal and ends the process on the second; returns when `done`
    /// is cancelled, which the server does once it has drained.
    pub async fn run(mut self, cancel: CancellationToken, done: CancellationToken) {
        let first = tokio::select! {
            number = self.next() => number,
            () = done.cancelled() => return,
        };
        tracing::info!(
            signal = name(first),
            "draining; a second signal ends at once"
        );
        cancel.cancel();
        tokio::select! {
            number = self.next() => {
                tracing::warn!(signal = name(number), "second signal, ending without drain");
                std::process::exit(EXIT_BASE + number);
            }
            () = done.cancelled() => {}
        }
    }

    /// The number of the next signal.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}

fn name(number: i32) -> &'static str {
    if number == SignalKind::terminate().as_raw_value() {
        "SIGTERM"
    } else {
        "SIGINT"
    }
}

/// A handler could not be installed.
#[derive(Debug, thiserror::Error)]
#[error("cannot install the handler of {name}")]
pub struct SignalError {
    /// The signal.
    pub name: &'static str,
    /// Why.
    #[source]
    pub source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    // One test for the process: signal handlers are process-wide.
    #[tokio::test]
    async fn first_signal_cancels_and_done_ends_the_wait() {
        let cancel = CancellationToken::new();
        let done = CancellationToken::new();
        let signals = Signals::install().unwrap();
        let run = signals.run(cancel.clone(), done.clone());
        let drive = async {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
            cancel.cancelled().await;
            done.cancel();
        };
        tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(run, drive) })
            .await
            .unwrap();
        assert!(cancel.is_cancelled());
    }
}
