//! What a request for totals asks for: the same of a node and of a relay.

use std::time::Duration;

use proto::tycho::v1::EdgeForm;

/// The shortest time between two readings, which is that between two looks of a node at its kernel's counts.
pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The longest that means anything; a longer one is this.
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 3_600);

/// A reading comes about when it is due: so much earlier it is taken for it.
const EARLY: Duration = Duration::from_millis(200);

/// Why a request is refused; it names the field.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// A form of another version.
    #[error("form: {0} is none that this version knows; it knows BY_NODE (1) and MERGED (2)")]
    Form(i32),
    /// A time that is none, or goes backwards.
    #[error("interval: is no time between two readings: {0}")]
    Interval(#[from] prost_types::DurationError),
}

/// Whether the totals are to be merged.
///
/// # Errors
/// If this version does not know the form.
pub fn is_merged(form: i32) -> Result<bool, AskedError> {
    match EdgeForm::try_from(form) {
        Ok(form) => Ok(form == EdgeForm::Merged),
        Err(_unknown) => Err(AskedError::Form(form)),
    }
}

/// The time between two readings.
///
/// # Errors
/// If it is none.
pub fn interval(asked: Option<prost_types::Duration>) -> Result<Duration, AskedError> {
    let interval = asked.map_or(Ok(SHORTEST_INTERVAL), Duration::try_from)?;
    Ok(interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL))
}

/// How long after a reading was begun the next one may be taken.
#[must_use]
pub fn pause(interval: Duration) -> Duration {
    interval.saturating_sub(EARLY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_second_at_least() {
        let check = |seconds, nanos, expect: Option<u64>| {
            let asked = prost_types::Duration { seconds, nanos };
            let found = interval(Some(asked)).ok();
            assert_eq!(found, expect.map(Duration::from_secs), "{asked:?}");
        };
        check(0, 5, Some(1));
        check(7, 0, Some(7));
        check(i64::MAX, 0, Some(24 * 3_600));
        check(-1, 0, None);
        assert_eq!(interval(None).unwrap(), SHORTEST_INTERVAL);
        assert!(is_merged(3).is_err());
    }
}
