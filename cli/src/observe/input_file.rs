//! `--input-file`: responses from a file of JSON lines, as `-o json` writes them. In the order of the
//! file; `--since`, `--until`, `--first` and `--last` select.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use prost_types::Timestamp;
use proto::observer::GetFlowsRequest;
use proto::tycho::v1::GetFlowsResponse;

use crate::contract_json::{Unknown, read_all};
use crate::output::Printer;

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
    printer: &mut Printer<O, E>,
) -> Result<(), InputError> {
    if !request.whitelist.is_empty() || !request.blacklist.is_empty() {
        return Err(InputError::Filters);
    }
    if request.follow {
        return Err(InputError::Follow);
    }
    let read = |source| InputError::Read {
        path: path.to_owned(),
        source,
    };
    let lines: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = std::fs::File::open(path).map_err(read)?;
        Box::new(io::BufReader::new(file))
    };
    let mut window = Window::new(request);
    for (index, line) in lines.lines().enumerate() {
        let line = line.map_err(read)?;
        let responses: Vec<GetFlowsResponse> =
            read_all("tycho.v1.GetFlowsResponse", &line, Unknown::Skip).map_err(|source| {
                InputError::Line {
                    path: path.to_owned(),
                    line: index + 1,
                    source,
                }
            })?;
        for response in responses {
            if let Some(response) = window.pass(response) {
                printer.print(&response).map_err(InputError::Output)?;
            }
        }
        if window.is_full() {
            break;
        }
    }
    for response in window.held {
        printer.print(&response).map_err(InputError::Output)?;
    }
    printer.finish().map_err(InputError::Output)
}

/// Lets through what the request selects.
struct Window<'a> {
    request: &'a GetFlowsRequest,
    passed: u64,
    /// The last responses, if only the last are wanted.
    held: VecDeque<GetFlowsResponse>,
}

impl<'a> Window<'a> {
    fn new(request: &'a GetFlowsRequest) -> Self {
        Self {
            request,
            passed: 0,
            held: VecDeque::new(),
        }
    }

    /// The response, if it is to be printed now.
    fn pass(&mut self, response: GetFlowsResponse) -> Option<GetFlowsResponse> {
        let request = self.request;
        let key = |time: &Timestamp| (time.seconds, time.nanos);
        if let Some(time) = response.time.as_ref().map(key) {
            let early = request
                .since
                .as_ref()
                .is_some_and(|since| time < key(since));
            let late = request
                .until
                .as_ref()
                .is_some_and(|until| time > key(until));
            if early || late {
                return None;
            }
        }
        if request.first || request.number == 0 || request.number == u64::MAX {
            self.passed += 1;
            return Some(response);
        }
        if u64::try_from(self.held.len()).is_ok_and(|held| held == request.number) {
            self.held.pop_front();
        }
        self.held.push_back(response);
        None
    }

    /// Whether nothing more can come.
    fn is_full(&self) -> bool {
        self.request.first && self.passed >= self.request.number
    }
}
