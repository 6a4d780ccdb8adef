//! `--input-file`: responses from a file of JSON lines, as `-o json` writes them. In the order of the
//! file; `--since`, `--until`, `--first` and `--last` select.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use prost_types::Timestamp;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse, GetFlowsRequest};
use proto::tycho::v1::GetFlowsResponse;

use super::dedup::Lines;
use crate::contract_json::{Unknown, read_all};

/// A file that cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// It cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not a response.
    #[error(
        "{path}:{line}: not a response in JSON, as `tycho observe -o json` prints it",
        path = path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A line is not an agent event.
    #[error(
        "{path}:{line}: not an agent event in JSON, as `tycho observe agent-events -o json` prints it",
        path = path.display()
    )]
    AgentEvent {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Filters need a server.
    #[error("filters cannot be used with --input-file; run the filter where the file is written")]
    Filters,
    /// A file does not grow.
    #[error("--follow cannot be used with --input-file")]
    Follow,
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

/// Prints what the request selects of the file.
pub(super) fn print<O: io::Write, E: io::Write>(
    path: &Path,
    request: &GetFlowsRequest,
    lines: &mut Lines<O, E>,
) -> Result<(), InputError> {
    if !request.whitelist.is_empty() || !request.blacklist.is_empty() {
        return Err(InputError::Filters);
    }
    if request.follow {
        return Err(InputError::Follow);
    }
    let mut window = Window::of_flows(request);
    for (index, line) in open(path)?.lines().enumerate() {
        let line = line.map_err(unreadable(path))?;
        let responses: Vec<GetFlowsResponse> =
            read_all("tycho.v1.GetFlowsResponse", &line, Unknown::Skip).map_err(|source| {
                InputError::Line {
                    path: path.to_owned(),
                    line: index + 1,
                    source,
                }
            })?;
        for response in responses {
            let time = response.time;
            if let Some(response) = window.pass(response, time.as_ref()) {
                lines.push(response).map_err(InputError::Output)?;
            }
        }
        if window.is_full() {
            break;
        }
    }
    for response in window.held() {
        lines.push(response).map_err(InputError::Output)?;
    }
    lines.finish().map_err(InputError::Output)
}

/// The lines of the file; `-` is standard input.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, InputError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = std::fs::File::open(path).map_err(unreadable(path))?;
    Ok(Box::new(io::BufReader::new(file)))
}

/// Says which file cannot be read.
pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> InputError {
    move |source| InputError::Read {
        path: path.to_owned(),
        source,
    }
}

/// Lets through what a request selects.
pub(super) struct Window<T> {
    number: u64,
    first: bool,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    passed: u64,
    /// The last responses, if only the last are wanted.
    held: VecDeque<T>,
}

impl Window<GetFlowsResponse> {
    fn of_flows(request: &GetFlowsRequest) -> Self {
        Self {
            number: request.number,
            first: request.first,
            since: request.since,
            until: request.until,
            passed: 0,
            held: VecDeque::new(),
        }
    }
}

impl Window<GetAgentEventsResponse> {
    /// The same for agent events.
    pub(super) fn of_agent_events(request: &GetAgentEventsRequest) -> Self {
        Self {
            number: request.number,
            first: request.first,
            since: request.since,
            until: request.until,
            passed: 0,
            held: VecDeque::new(),
        }
    }
}

impl<T> Window<T> {
    /// The response, if it is to be printed now.
    pub(super) fn pass(&mut self, response: T, time: Option<&Timestamp>) -> Option<T> {
        let key = |time: &Timestamp| (time.seconds, time.nanos);
        if let Some(time) = time.map(key) {
            let early = self.since.as_ref().is_some_and(|since| time < key(since));
            let late = self.until.as_ref().is_some_and(|until| time > key(until));
            if early || late {
                return None;
            }
        }
        if self.first || self.number == 0 || self.number == u64::MAX {
            self.passed += 1;
            return Some(response);
        }
        if u64::try_from(self.held.len()).is_ok_and(|held| held == self.number) {
            self.held.pop_front();
        }
        self.held.push_back(response);
        None
    }

    /// Whether nothing more can come.
    pub(super) fn is_full(&self) -> bool {
        self.first && self.passed >= self.number
    }

    /// The last responses, if only the last were wanted.
    pub(super) fn held(self) -> VecDeque<T> {
        self.held
    }
}
