//! How output writes a point in time (`--time-format`).

use clap::builder::PossibleValue;
use prost_types::Timestamp;

use super::calendar::{DateTime, MONTHS};

/// A form of writing a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TimeFormat {
    #[default]
    StampMilli,
    YearMonthDay,
    YearMonthDayHour,
    YearMonthDayHourMinute,
    Rfc3339,
    Rfc3339Milli,
    Rfc3339Micro,
    Rfc3339Nano,
    Rfc1123Z,
}

impl clap::ValueEnum for TimeFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::StampMilli,
            Self::YearMonthDay,
            Self::YearMonthDayHour,
            Self::YearMonthDayHourMinute,
            Self::Rfc3339,
            Self::Rfc3339Milli,
            Self::Rfc3339Micro,
            Self::Rfc3339Nano,
            Self::Rfc1123Z,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::StampMilli => "StampMilli",
            Self::YearMonthDay => "YearMonthDay",
            Self::YearMonthDayHour => "YearMonthDayHour",
            Self::YearMonthDayHourMinute => "YearMonthDayHourMinute",
            Self::Rfc3339 => "RFC3339",
            Self::Rfc3339Milli => "RFC3339Milli",
            Self::Rfc3339Micro => "RFC3339Micro",
            Self::Rfc3339Nano => "RFC3339Nano",
            Self::Rfc1123Z => "RFC1123Z",
        }))
    }
}

impl TimeFormat {
    /// Writes a time, or `N/A` if there is none.
    pub(crate) fn write(self, time: Option<&Timestamp>) -> String {
        let Some(time) = time.filter(|time| (0..1_000_000_000).contains(&time.nanos)) else {
            return "N/A".to_owned();
        };
        let at = DateTime::from_seconds(time.seconds);
        let date = format!("{:04}-{:02}-{:02}", at.year, at.month, at.day);
        let clock = format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
        let month = MONTHS[at.month as usize - 1];
        match self {
            Self::StampMilli => {
                format!("{month} {:2} {clock}.{:03}", at.day, time.nanos / 1_000_000)
            }
            Self::YearMonthDay => date,
            Self::YearMonthDayHour => format!("{date}T{:02}Z", at.hour),
            Self::YearMonthDayHourMinute => format!("{date}T{:02}:{:02}Z", at.hour, at.minute),
            Self::Rfc3339 => format!("{date}T{clock}Z"),
            Self::Rfc3339Milli => format!("{date}T{clock}{}Z", fraction(time.nanos, 3)),
            Self::Rfc3339Micro => format!("{date}T{clock}{}Z", fraction(time.nanos, 6)),
            Self::Rfc3339Nano => format!("{date}T{clock}{}Z", fraction(time.nanos, 9)),
            Self::Rfc1123Z => format!(
                "{}, {:02} {month} {:04} {clock} +0000",
                at.weekday(),
                at.day,
                at.year
            ),
        }
    }
}

/// The fraction cut to this many digits, without trailing zeros.
fn fraction(nanos: i32, digits: usize) -> String {
    let text = format!(".{nanos:09}");
    let cut = text[..=digits].trim_end_matches('0');
    if cut == "." {
        String::new()
    } else {
        cut.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use prost_types::Timestamp;

    use super::TimeFormat;

    #[test]
    fn each_form() {
        let time = Timestamp {
            seconds: 1_762_077_903,
            nanos: 120_450_000,
        };
        for (name, expected) in [
            ("StampMilli", "Nov  2 10:05:03.120"),
            ("YearMonthDay", "2025-11-02"),
            ("YearMonthDayHour", "2025-11-02T10Z"),
            ("YearMonthDayHourMinute", "2025-11-02T10:05Z"),
            ("RFC3339", "2025-11-02T10:05:03Z"),
            ("RFC3339Milli", "2025-11-02T10:05:03.12Z"),
            ("RFC3339Micro", "2025-11-02T10:05:03.12045Z"),
            ("RFC3339Nano", "2025-11-02T10:05:03.12045Z"),
            ("RFC1123Z", "Sun, 02 Nov 2025 10:05:03 +0000"),
        ] {
            let format = TimeFormat::from_str(name, true).expect(name);
            assert_eq!(format.write(Some(&time)), expected);
        }
        assert_eq!(TimeFormat::StampMilli.write(None), "N/A");
    }
}
