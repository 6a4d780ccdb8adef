//! Points in time as `--since` and `--until` take them: a span before now, or a date with as much of the
//! time of day as one likes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;

use super::calendar::{DateTime, MONTHS, WEEKDAYS};
use super::duration;

/// Text that is not a point in time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not a time; a time is how long ago (90s, 5m, 1h30m), a date (2025-11-22), a date and time with a zone (2025-11-22T10:00:30Z, 2025-11-22T10:00+01:00, 2025-11-22T10Z) or as in mail (Sat, 22 Nov 2025 10:00:30 +0000)"
)]
pub(crate) struct InstantError(String);

/// Reads a point in time; spans count back from `now`.
pub(crate) fn parse(text: &str, now: SystemTime) -> Result<Timestamp, InstantError> {
    if let Ok(span) = duration::parse(text) {
        let since_1970 = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(span);
        return Ok(timestamp(since_1970));
    }
    date_and_time(text)
        .or_else(|| mail_date(text))
        .ok_or_else(|| InstantError(text.to_owned()))
}

fn timestamp(since_1970: Duration) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since_1970.subsec_nanos()).expect("less than a billion fits"),
    }
}

/// Reads text from its beginning.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Takes exactly this many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    /// Takes the text if it comes next.
    fn take(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Takes one of the names, and says which.
    fn one_of(&mut self, names: &[&str]) -> Option<u32> {
        let index = names.iter().position(|name| self.take(name).is_some())?;
        u32::try_from(index).ok()
    }

    /// Takes a fraction of a second, if one comes next, in nanoseconds.
    fn fraction_ns(&mut self) -> Option<i32> {
        if self.take(".").is_none() {
            return Some(0);
        }
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        if digits.is_empty() {
            return None;
        }
        let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
        nine.parse().ok()
    }

    /// Takes a zone, `Z` or an offset, in seconds east.
    fn zone_seconds(&mut self, colon: &str) -> Option<i64> {
        if self.take("Z").is_some() {
            return Some(0);
        }
        let sign = match self.0.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2)?;
        self.take(colon)?;
        let minutes = self.digits(2)?;
        (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3_600 + minutes * 60))
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// `2025-11-22`, `…T10Z`, `…T10:00Z`, `…T10:00:30Z`, `…T10:00:30.5+01:00`.
fn date_and_time(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor(text);
    let mut date = DateTime {
        year: i64::from(cursor.digits(4)?),
        month: {
            cursor.take("-")?;
            cursor.digits(2)?
        },
        day: {
            cursor.take("-")?;
            cursor.digits(2)?
        },
        hour: 0,
        minute: 0,
        second: 0,
    };
    let mut nanos = 0;
    let mut zone = 0;
    if cursor.take("T").is_some() {
        date.hour = cursor.digits(2)?;
        if cursor.take(":").is_some() {
            date.minute = cursor.digits(2)?;
            if cursor.take(":").is_some() {
                date.second = cursor.digits(2)?;
                nanos = cursor.fraction_ns()?;
            }
        }
        zone = cursor.zone_seconds(":")?;
    }
    cursor.end()?;
    Some(Timestamp {
        seconds: date.seconds()? - zone,
        nanos,
    })
}

/// `Sat, 22 Nov 2025 10:00:30 +0000`.
fn mail_date(text: &str) -> Option<Timestamp> {
    let mut cursor = Cursor(text);
    cursor.one_of(&WEEKDAYS)?;
    cursor.take(", ")?;
    let day = cursor.digits(2)?;
    cursor.take(" ")?;
    let month = cursor.one_of(&MONTHS)? + 1;
    cursor.take(" ")?;
    let year = i64::from(cursor.digits(4)?);
    cursor.take(" ")?;
    let hour = cursor.digits(2)?;
    cursor.take(":")?;
    let minute = cursor.digits(2)?;
    cursor.take(":")?;
    let second = cursor.digits(2)?;
    cursor.take(" ")?;
    let zone = cursor.zone_seconds("")?;
    cursor.end()?;
    let date = DateTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    };
    Some(Timestamp {
        seconds: date.seconds()? - zone,
        nanos: 0,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::parse;

    #[test]
    fn points_in_time() {
        let now = UNIX_EPOCH + Duration::from_secs(1_763_805_600);
        for (text, seconds, nanos) in [
            ("5m", 1_763_805_300, 0),
            ("1h30m", 1_763_800_200, 0),
            ("500ms", 1_763_805_599, 500_000_000),
            ("2025-11-22", 1_763_769_600, 0),
            ("2025-11-22T10Z", 1_763_805_600, 0),
            ("2025-11-22T11+01:00", 1_763_805_600, 0),
            ("2025-11-22T10:01Z", 1_763_805_660, 0),
            ("2025-11-22T10:00:30Z", 1_763_805_630, 0),
            ("2025-11-22T10:00:30.25Z", 1_763_805_630, 250_000_000),
            (
                "2025-11-22T04:30:30.123456789-05:30",
                1_763_805_630,
                123_456_789,
            ),
            ("Sat, 22 Nov 2025 10:00:30 +0000", 1_763_805_630, 0),
            ("Sat, 22 Nov 2025 05:00:30 -0500", 1_763_805_630, 0),
        ] {
            let time = parse(text, now).expect(text);
            assert_eq!((time.seconds, time.nanos), (seconds, nanos), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2025-11-31",
            "2025-11-22T10",
            "2025-11-22T25Z",
            "2025-11-22T10:00:30",
            "2025-11-22T10:00:30.Z",
            "2025-11-22 10:00:30Z",
            "-5m",
            "2025-1é-22",
        ] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }
}
