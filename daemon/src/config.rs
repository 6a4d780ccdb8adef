//! Values of options and configuration files: durations (`5s`) and sizes (`64KiB`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time as people write it: `250ms`, `5s`, `1m`, `2h`, `1d`, or sums like `1m30s`.
/// `0` needs no unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes as people write it: `4096`, `64KiB`, `4MiB`, `1GiB`, or decimal `64kB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// The size in bytes.
    pub bytes: u64,
}

/// Units of [`Span`], in nanoseconds, largest first.
const SPAN_UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Units of [`Size`]; the binary ones first, as [`fmt::Display`] uses them.
const SIZE_UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
    ("", 1),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
];

/// Not a value of the kind that was asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not a duration.
    #[error(
        "`{0}` is not a duration: write a whole number and a unit, as in `250ms`, `5s`, `1m30s`"
    )]
    Span(String),
    /// Not a size.
    #[error("`{0}` is not a size: write a whole number and a unit, as in `64KiB`, `4MiB`")]
    Size(String),
}

impl FromStr for Span {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        span_ns(text)
            .map(|ns| Self(Duration::from_nanos(ns)))
            .ok_or_else(|| ValueError::Span(text.to_owned()))
    }
}

/// Sums number-unit pairs; each unit at most once, from large to small.
fn span_ns(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total_ns = 0_u64;
    let mut units = SPAN_UNITS.iter();
    while !rest.is_empty() {
        let (number, after) = leading_number(rest)?;
        let unit_end = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (_, unit_ns) = units.find(|(name, _)| *name == unit)?;
        total_ns = total_ns.checked_add(number.checked_mul(*unit_ns)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total_ns)
}

impl FromStr for Size {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        leading_number(text)
            .and_then(|(number, unit)| {
                let (_, unit_bytes) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
                number.checked_mul(*unit_bytes)
            })
            .map(|bytes| Self { bytes })
            .ok_or_else(|| ValueError::Size(text.to_owned()))
    }
}

/// Splits decimal digits off the front; `None` without any, or beyond `u64`.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest_ns = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest_ns == 0 {
            return f.write_str("0s");
        }
        for (unit, unit_ns) in SPAN_UNITS {
            let count = rest_ns / unit_ns;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
            rest_ns %= unit_ns;
        }
        Ok(())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, unit_bytes) = SIZE_UNITS
            .iter()
            .find(|(_, unit_bytes)| {
                self.bytes >= *unit_bytes && self.bytes.is_multiple_of(*unit_bytes)
            })
            .unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.bytes / unit_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans() {
        let check = |text: &str, expect: Option<Duration>| {
            assert_eq!(
                text.parse::<Span>().ok().map(|span| span.0),
                expect,
                "{text:?}"
            );
        };
        check("5s", Some(Duration::from_secs(5)));
        check("1m", Some(Duration::from_secs(60)));
        check("1m30s", Some(Duration::from_secs(90)));
        check("250ms", Some(Duration::from_millis(250)));
        check("1h2ms", Some(Duration::from_millis(3_600_002)));
        check("24h", Some(Duration::from_secs(86_400)));
        check("0", Some(Duration::ZERO));
        check("0s", Some(Duration::ZERO));
        for bad in [
            "",
            "5",
            "s",
            "-5s",
            "1.5s",
            "5 s",
            "5s1m",
            "1s1s",
            "5x",
            "99999999999d",
            "5s ",
            "٣s",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn sizes() {
        let check = |text: &str, expect: Option<u64>| {
            assert_eq!(
                text.parse::<Size>().ok().map(|size| size.bytes),
                expect,
                "{text:?}"
            );
        };
        check("4096", Some(4096));
        check("64KiB", Some(65_536));
        check("4MiB", Some(4_194_304));
        check("1GiB", Some(1 << 30));
        check("64kB", Some(64_000));
        check("7B", Some(7));
        for bad in [
            "",
            "KiB",
            "64kib",
            "64K",
            "1.5MiB",
            "-1",
            "99999999999GiB",
            "1 MiB",
        ] {
            check(bad, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(ns in any::<u64>(), bytes in any::<u64>()) {
            let span = Span(Duration::from_nanos(ns));
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
            let size = Size { bytes };
            prop_assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        }

        #[test]
        fn no_text_panics(text in ".{0,20}") {
            for accepted in [text.parse::<Span>().is_ok(), text.parse::<Size>().is_ok()] {
                prop_assert!(!accepted || text.starts_with(|c: char| c.is_ascii_digit()));
            }
        }
    }
}
