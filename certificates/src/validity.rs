//! From when to when a certificate holds.

use std::time::{Duration, SystemTime};

/// Clocks of other machines may be behind.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its begin.
    pub not_before: SystemTime,
    /// Its end.
    pub not_after: SystemTime,
}

impl Validity {
    /// From now on, so long. It begins five minutes ago, for clocks that are behind.
    #[must_use]
    pub fn lasting(duration: Duration) -> Self {
        let now = SystemTime::now();
        Self {
            not_before: now - CLOCK_TOLERANCE,
            not_after: now + duration,
        }
    }

    /// The same, but not longer than until then.
    pub(crate) fn until(self, end: SystemTime) -> Self {
        Self {
            not_after: self.not_after.min(end),
            ..self
        }
    }
}
