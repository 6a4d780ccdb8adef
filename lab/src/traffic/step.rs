//! One step of a scenario: what it does, again and again, and how often that ended how.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::errors::{NoAnswer, TrafficError};
use super::ping::{Ping, ping};
use super::tcp_client::{TcpTarget, tcp_connect};
use super::udp_client::{UdpRequest, udp_exchange};
use crate::namespace::Namespace;
use crate::stop::StopSignal;

/// A try waits at most three times (to connect, to be answered, to close): all of it fits in the
/// second within which a scenario stops.
const LONGEST_TIMEOUT: Duration = Duration::from_millis(300);
/// A step does not repeat faster.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Connects, exchanges requests with their echoes, closes.
    Tcp {
        /// The server's port.
        port: u16,
        /// How many requests per connection.
        requests: u32,
        /// Bytes in each.
        request_bytes: usize,
    },
    /// Exchanges one datagram with its echo.
    Udp {
        /// The server's port.
        port: u16,
        /// Bytes in it.
        payload_bytes: usize,
    },
    /// Exchanges one ICMP echo.
    Ping,
}

/// Something that repeats: who, to whom, what, how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What reports call it.
    pub name: String,
    /// Where it starts from.
    pub from: Namespace,
    /// Where it goes.
    pub to: IpAddr,
    /// What it does there.
    pub action: Action,
    /// From one start to the next, at least 1 ms.
    pub interval: Duration,
    /// How long each answer may take, at most 300 ms.
    pub timeout: Duration,
}

/// How often a step ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepReport {
    /// The step's name.
    pub name: String,
    /// Answered in full.
    pub ok: u64,
    /// No answer in time.
    pub timed_out: u64,
    /// Refused or reset.
    pub refused: u64,
    /// No way there.
    pub unreachable: u64,
    /// Could not be tried; [`StepReport::last_error`] says why.
    pub failed: u64,
    /// Why the last try that could not be made was not made.
    pub last_error: Option<String>,
}

/// The counters behind a [`StepReport`].
#[derive(Debug)]
pub(super) struct StepTotals {
    name: String,
    ok: AtomicU64,
    timed_out: AtomicU64,
    refused: AtomicU64,
    unreachable: AtomicU64,
    failed: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl StepTotals {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ok: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unreachable: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }

    pub(super) fn report(&self) -> StepReport {
        StepReport {
            name: self.name.clone(),
            ok: self.ok.load(Ordering::Relaxed),
            timed_out: self.timed_out.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            unreachable: self.unreachable.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            last_error: self
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    fn count(&self, result: Result<Result<(), NoAnswer>, TrafficError>) {
        let counter = match result {
            Ok(Ok(())) => &self.ok,
            Ok(Err(NoAnswer::TimedOut)) => &self.timed_out,
            Ok(Err(NoAnswer::Refused | NoAnswer::Reset)) => &self.refused,
            Ok(Err(NoAnswer::Unreachable)) => &self.unreachable,
            Err(error) => {
                *self
                    .last_error
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(with_causes(&error));
                &self.failed
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Tries at a fixed rate; a try that takes longer than the interval delays the next one only.
pub(super) fn repeat_until_stopped(
    step: &Step,
    delay: Duration,
    totals: &StepTotals,
    signal: &StopSignal,
) {
    let interval = step.interval.max(SHORTEST_INTERVAL);
    let mut stopped = signal.wait(delay);
    while !stopped {
        let start = Instant::now();
        totals.count(attempt(step, signal));
        stopped = signal.wait(interval.saturating_sub(start.elapsed()));
    }
}

fn attempt(step: &Step, signal: &StopSignal) -> Result<Result<(), NoAnswer>, TrafficError> {
    let timeout = step.timeout.min(LONGEST_TIMEOUT);
    match step.action {
        Action::Tcp {
            port,
            requests,
            request_bytes,
        } => {
            let target = TcpTarget::new(SocketAddr::new(step.to, port), timeout);
            let mut connection = match tcp_connect(&step.from, &target)? {
                Ok(connection) => connection,
                Err(no_answer) => return Ok(Err(no_answer)),
            };
            for _ in 0..requests {
                if signal.is_stopped() {
                    break;
                }
                if let Err(no_answer) = connection.request(request_bytes)? {
                    return Ok(Err(no_answer));
                }
            }
            connection.close()
        }
        Action::Udp {
            port,
            payload_bytes,
        } => {
            let payload = vec![b't'; payload_bytes];
            let request = UdpRequest::new(SocketAddr::new(step.to, port), &payload, timeout);
            Ok(udp_exchange(&step.from, &request)?.map(drop))
        }
        Action::Ping => {
            let report = ping(&step.from, &Ping::new(step.to, 1, timeout))?;
            Ok(report.no_answer.map_or(Ok(()), Err))
        }
    }
}

/// An error and what lies behind it, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{NoAnswer, StepTotals, TrafficError};

    #[test]
    fn each_result_has_its_counter() {
        let totals = StepTotals::new("web");
        for (times, no_answer) in [
            (2, NoAnswer::TimedOut),
            (3, NoAnswer::Refused),
            (4, NoAnswer::Reset),
            (5, NoAnswer::Unreachable),
        ] {
            (0..times).for_each(|_| totals.count(Ok(Err(no_answer))));
        }
        totals.count(Ok(Ok(())));
        totals.count(Err(TrafficError::Thread {
            address: "10.0.0.1:80".to_owned(),
            source: io::Error::other("none left"),
        }));
        let report = totals.report();
        let counts = (
            report.ok,
            report.timed_out,
            report.refused,
            report.unreachable,
            report.failed,
        );
        assert_eq!(counts, (1, 2, 7, 5, 1));
        let error = "cannot start a thread for traffic with 10.0.0.1:80: none left";
        assert_eq!(report.last_error.as_deref(), Some(error));
    }
}
