//! Spans of time as Go writes them: `5m`, `1h30m`, `1.5s`, `300ms`.

use std::time::Duration;

/// Text that is not a span of time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not a duration; a duration is a number with a unit (ns, us, ms, s, m, h), such as 90s, 5m or 1h30m"
)]
pub(crate) struct DurationError(String);

const UNITS: [(&str, f64); 7] = [
    // Longest names first, so that `ms` is not read as `m`.
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3_600e9),
];

/// Reads a span of time; it is never negative.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let error = || DurationError(text.to_owned());
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total_ns = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(error)?;
        let (number, behind) = rest.split_at(digits);
        let number: f64 = number.parse().ok().ok_or_else(error)?;
        let (unit, factor) = UNITS
            .iter()
            .find(|(unit, _)| behind.starts_with(unit))
            .ok_or_else(error)?;
        total_ns += number * factor;
        rest = &behind[unit.len()..];
    }
    if text.is_empty() || total_ns > 9.2e18 {
        return Err(error());
    }
    Ok(Duration::from_secs_f64(total_ns / 1e9))
}

/// Writes a span of time as Go does: no unit that is zero in front, and fractions below the second.
pub(crate) fn write(span: Duration) -> String {
    let nanos = span.as_nanos();
    if nanos < 1_000_000_000 {
        let (unit, unit_ns) = match nanos {
            0 => return "0s".to_owned(),
            1..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{}{unit}", decimal(nanos, unit_ns));
    }
    let seconds = span.as_secs();
    let rest = u128::from(seconds % 60) * 1_000_000_000 + u128::from(span.subsec_nanos());
    let rest = decimal(rest, 1_000_000_000);
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{rest}s"),
        (0, minutes) => format!("{minutes}m{rest}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// `value / unit`, where `unit` is a power of ten, without trailing zeros.
fn decimal(value: u128, unit: u128) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, write};

    #[test]
    fn spans() {
        for (text, milliseconds) in [
            ("0", 0),
            ("300ms", 300),
            ("1.5s", 1_500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h0m1s", 3_601_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "m",
            "5x",
            "-5m",
            "1.2.3s",
            "5m3",
            "999999999h",
            "٣s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_written_as_they_are_read() {
        for (nanos, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (100_000_000, "100ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (5_400_000_000_000, "1h30m0s"),
            (3_661_000_000_001, "1h1m1.000000001s"),
        ] {
            let span = Duration::from_nanos(nanos);
            assert_eq!(write(span), expected);
            assert_eq!(parse(expected), Ok(span));
        }
    }
}
