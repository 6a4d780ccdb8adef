//! The flags that say which flows by place and time: `--last`, `--first`, `--all`, `--since`, `--until`,
//! `--follow`.

use std::time::SystemTime;

use prost_types::Timestamp;

use crate::clock::instant::{self, InstantError};

/// How many flows a plain `tycho observe` shows.
const DEFAULT_LAST: u64 = 20;

/// Which flows, by place and time.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Selectors")]
pub(crate) struct Selectors {
    /// The last N flows that match; 20 if nothing else selects
    #[arg(long, value_name = "N")]
    last: Option<u64>,
    /// The first N flows that match
    #[arg(long, value_name = "N")]
    first: Option<u64>,
    /// All flows the server still has
    #[arg(long)]
    all: bool,
    /// Flows from this time on: how long ago (5m, 1h30m) or a time (2025-11-22T10:00:30Z)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Flows up to this time, written as for --since
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Wait for flows to come
    #[arg(short, long)]
    pub(super) follow: bool,
}

/// Which flows, in the terms of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Selection {
    /// At most so many; 0 is no limit.
    pub(super) number: u64,
    /// Count from the oldest.
    pub(super) first: bool,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) follow: bool,
}

/// Flags that do not go together, or a time that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SelectorError {
    /// Two flags exclude each other.
    #[error("cannot set both {0} and {1}")]
    Both(&'static str, &'static str),
    /// A time flag has no time.
    #[error("invalid value for {flag}")]
    Time {
        /// The flag.
        flag: &'static str,
        /// What is wrong.
        source: InstantError,
    },
}

impl Selectors {
    /// What the flags select. A file has no "last 20" of its own: it is shown whole.
    pub(super) fn selection(
        &self,
        from_file: bool,
        now: SystemTime,
    ) -> Result<Selection, SelectorError> {
        let last = self.last.filter(|number| *number > 0);
        let first = self.first.filter(|number| *number > 0);
        for (wrong, one, other) in [
            (first.is_some() && last.is_some(), "--first", "--last"),
            (first.is_some() && self.all, "--first", "--all"),
            (first.is_some() && self.follow, "--first", "--follow"),
            (last.is_some() && self.all, "--last", "--all"),
        ] {
            if wrong {
                return Err(SelectorError::Both(one, other));
            }
        }
        let since = time("--since", self.since.as_deref(), now)?;
        let until = time("--until", self.until.as_deref(), now)?;
        let timed = since.is_some() || until.is_some();
        let number = match (first, last) {
            (Some(number), _) | (None, Some(number)) => number,
            // Every bit set is how Hubble's CLI asks for everything.
            (None, None) if self.all && !timed => u64::MAX,
            (None, None) if timed || self.follow || from_file => 0,
            (None, None) => DEFAULT_LAST,
        };
        Ok(Selection {
            number,
            first: first.is_some(),
            since,
            until,
            follow: self.follow,
        })
    }
}

fn time(
    flag: &'static str,
    text: Option<&str>,
    now: SystemTime,
) -> Result<Option<Timestamp>, SelectorError> {
    text.map(|text| instant::parse(text, now))
        .transpose()
        .map_err(|source| SelectorError::Time { flag, source })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use clap::{Args as _, FromArgMatches as _};

    use super::{SelectorError, Selectors};

    fn select(line: &str) -> Result<(u64, bool, Option<i64>, bool), SelectorError> {
        let command = Selectors::augment_args(clap::Command::new("test").no_binary_name(true));
        let matches = command
            .try_get_matches_from(line.split_whitespace())
            .expect(line);
        let selectors = Selectors::from_arg_matches(&matches).expect(line);
        let selection = selectors.selection(false, UNIX_EPOCH + Duration::from_secs(1_000))?;
        Ok((
            selection.number,
            selection.first,
            selection.since.map(|time| time.seconds),
            selection.follow,
        ))
    }

    #[test]
    fn flags_to_request() {
        for (line, expected) in [
            ("", (20, false, None, false)),
            ("--last 5", (5, false, None, false)),
            ("--last 0", (20, false, None, false)),
            ("--first 5", (5, true, None, false)),
            ("--all", (u64::MAX, false, None, false)),
            ("--follow", (0, false, None, true)),
            ("-f --last 3", (3, false, None, true)),
            ("--since 10m", (0, false, Some(400), false)),
            ("--since 10m --last 3", (3, false, Some(400), false)),
            ("--since 10m --all", (0, false, Some(400), false)),
            ("--until 10m", (0, false, None, false)),
        ] {
            assert_eq!(select(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn flags_that_exclude_each_other() {
        for (line, one, other) in [
            ("--first 1 --last 1", "--first", "--last"),
            ("--first 1 --all", "--first", "--all"),
            ("--first 1 --follow", "--first", "--follow"),
            ("--last 1 --all", "--last", "--all"),
        ] {
            assert_eq!(select(line), Err(SelectorError::Both(one, other)), "{line}");
        }
    }
}
