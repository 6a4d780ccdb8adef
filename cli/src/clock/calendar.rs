//! The proleptic Gregorian calendar: seconds since 1970 and their date and time of day.

const SECONDS_PER_DAY: i64 = 86_400;
/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;
/// Days from 0000-03-01, where an era begins, to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// Abbreviated names of the months.
pub(crate) const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Abbreviated names of the days of the week.
pub(crate) const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

impl DateTime {
    /// The date and time of a number of seconds since 1970.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let of_day = u32::try_from(seconds.rem_euclid(SECONDS_PER_DAY))
            .expect("a remainder below 86,400 fits");
        // Years begin in March here, so that the leap day is the last day of a year.
        let shifted = days + DAYS_TO_1970;
        let era = shifted.div_euclid(DAYS_PER_ERA);
        let day_of_era = shifted.rem_euclid(DAYS_PER_ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month: u32::try_from(month).expect("a month is 1 to 12"),
            day: u32::try_from(day).expect("a day is 1 to 31"),
            hour: of_day / 3_600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// Seconds since 1970, or none if there is no such date or time.
    pub(crate) fn seconds(self) -> Option<i64> {
        if self.hour > 23 || self.minute > 59 || self.second > 59 || self.day == 0 {
            return None;
        }
        if !(1..=12).contains(&self.month) || !(0..=9_999).contains(&self.year) {
            return None;
        }
        let month = i64::from(self.month);
        let year = self.year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let march_month = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * march_month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
        let seconds = days * SECONDS_PER_DAY
            + i64::from(self.hour) * 3_600
            + i64::from(self.minute) * 60
            + i64::from(self.second);
        // A day that the month does not have would be a day of the next one.
        (Self::from_seconds(seconds) == self).then_some(seconds)
    }

    /// The name of the day of the week.
    pub(crate) fn weekday(self) -> &'static str {
        let days = self.seconds().unwrap_or_default() / SECONDS_PER_DAY;
        // 1970-01-01 was a Thursday.
        let index = usize::try_from((days + 4).rem_euclid(7)).expect("a remainder of 7 fits");
        WEEKDAYS[index]
    }
}

#[cfg(test)]
mod tests {
    use super::DateTime;

    #[test]
    fn each_day_of_five_centuries_returns() {
        for day in -100_000..100_000 {
            let seconds = day * super::SECONDS_PER_DAY + 3_723;
            let date = DateTime::from_seconds(seconds);
            assert_eq!(date.seconds(), Some(seconds), "{date:?}");
            assert_eq!((date.hour, date.minute, date.second), (1, 2, 3));
        }
    }

    #[test]
    fn dates_that_do_not_exist() {
        let date = |year, month, day| DateTime {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
        };
        assert_eq!(date(2025, 2, 29).seconds(), None);
        assert_eq!(date(2100, 2, 29).seconds(), None);
        assert_eq!(date(2025, 13, 1).seconds(), None);
        assert_eq!(date(2024, 2, 29).seconds(), Some(1_709_164_800));
        assert_eq!(date(2025, 11, 22).weekday(), "Sat");
    }
}
