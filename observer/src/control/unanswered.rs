//! Calls whose endpoint waits for the number of its labels: they are answered when it has one, or has waited long.

use std::time::{Duration, Instant};

use super::Control;
use super::command::{Answer, CommandError};
use super::snapshot::EndpointView;
use crate::desired::WaitingEndpoint;

/// So long a call waits for a number; after that it tells that the endpoint has none yet.
const PATIENCE: Duration = Duration::from_secs(3);

/// Calls that wait at a time; any more are answered at once.
const CALLS: usize = 64;

/// One call.
#[derive(Debug)]
pub(super) struct Unanswered {
    endpoint: String,
    answer: Answer<EndpointView>,
    until: Instant,
}

impl Control {
    /// Answers a call about an endpoint now, or when the registry has given its number.
    pub(super) fn answer(
        &mut self,
        result: Result<EndpointView, CommandError>,
        answer: Answer<EndpointView>,
    ) {
        match result {
            Ok(view) if self.is_asked(&view.name) && self.unanswered.len() < CALLS => {
                self.unanswered.push(Unanswered {
                    endpoint: view.name,
                    answer,
                    until: Instant::now() + PATIENCE,
                });
            }
            result => drop(answer.send(result)),
        }
    }

    /// Answers the calls that need not wait any more.
    pub(super) fn answer_numbered(&mut self) {
        let now = Instant::now();
        let waiting = std::mem::take(&mut self.unanswered);
        for call in waiting {
            if now < call.until && self.is_asked(&call.endpoint) {
                self.unanswered.push(call);
            } else {
                drop(call.answer.send(self.published(&call.endpoint)));
            }
        }
    }

    /// Whether an endpoint waits for an answer of the registry.
    fn is_asked(&self, endpoint: &str) -> bool {
        let mut waiting = self.desired.waiting.iter();
        waiting.any(|waiting| waiting.name == endpoint && self.answers_soon(waiting))
    }

    /// Whether the registry was asked for the number of an endpoint's labels, and nothing says that it will not answer.
    pub(super) fn answers_soon(&self, waiting: &WaitingEndpoint) -> bool {
        waiting.asked && self.problems.contact.is_none()
    }

    /// Why an endpoint waits.
    pub(super) fn why_waiting(&self, waiting: &WaitingEndpoint) -> String {
        match &self.problems.contact {
            Some(contact) if waiting.asked => contact.clone(),
            _ => waiting.reason.clone(),
        }
    }
}
