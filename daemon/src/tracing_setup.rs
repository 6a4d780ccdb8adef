//! Log output of the servers: to stderr, filtered, for people or as JSON lines.

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The environment variable that a server's `--log` option reads (through clap's `env`).
pub const LOG_ENV: &str = "TYCHO_LOG";

/// What is logged unless configured otherwise.
pub const DEFAULT_FILTER: &str = "info";

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text per event; in colour on a terminal.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(LogFormatError {
                text: text.to_owned(),
            }),
        }
    }
}

/// Not a log format.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a log format: use `human` or `json`")]
pub struct LogFormatError {
    /// What was given.
    pub text: String,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TracingError {
    /// The filter does not parse.
    #[error(
        "`{filter}` is not a log filter: use a level (`debug`) or `target=level` pairs (`info,observer=debug`)"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// Why it does not parse.
        #[source]
        source: ParseError,
    },
    /// A subscriber is already installed in this process.
    #[error("logging is already set up")]
    AlreadySet(#[source] TryInitError),
}

/// Installs the process's log output.
///
/// # Errors
/// When `filter` does not parse, or logging was set up before.
pub fn init(filter: &str, format: LogFormat) -> Result<(), TracingError> {
    let filter = parse_filter(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(format == LogFormat::Human && std::io::stderr().is_terminal());
    match format {
        LogFormat::Human => builder.finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
    .map_err(TracingError::AlreadySet)
}

fn parse_filter(filter: &str) -> Result<EnvFilter, TracingError> {
    EnvFilter::builder()
        .parse(if filter.trim().is_empty() {
            DEFAULT_FILTER
        } else {
            filter
        })
        .map_err(|source| TracingError::Filter {
            filter: filter.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(
                parse_filter(text)
                    .ok()
                    .map(|filter| filter.to_string())
                    .as_deref(),
                expect,
                "{text:?}"
            );
        };
        check("debug", Some("debug"));
        check("", Some("info"));
        check("observer=trace", Some("observer=trace"));
        check("observer=nonsense", None);
    }

    #[test]
    fn formats() {
        for (text, expect) in [
            ("human", Some(LogFormat::Human)),
            ("json", Some(LogFormat::Json)),
            ("xml", None),
        ] {
            assert_eq!(text.parse::<LogFormat>().ok(), expect, "{text}");
        }
    }
}
