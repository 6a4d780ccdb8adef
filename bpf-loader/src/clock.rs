//! How long a jiffy is: CONFIG_HZ is not told to user space, so it is measured.

use std::time::Duration;

use crate::error::LoaderError;

const FREQUENCIES: [u64; 4] = [100, 250, 300, 1_000];
/// Long enough to tell 250 Hz (20 ticks) from 300 Hz (24 ticks).
pub(crate) const MEASURE_FOR: Duration = Duration::from_millis(80);

/// The frequency that fits two readings of both clocks best.
pub(crate) fn jiffies_per_second(jiffies: u64, elapsed_ns: u64) -> Result<u64, LoaderError> {
    let measured = jiffies
        .saturating_mul(1_000_000_000)
        .checked_div(elapsed_ns);
    let nearest = |measured: u64| {
        FREQUENCIES
            .into_iter()
            .min_by_key(|frequency| frequency.abs_diff(measured) * 1_000 / frequency)
    };
    measured
        .filter(|measured| (50..=1_500).contains(measured))
        .and_then(nearest)
        .ok_or(LoaderError::Clock {
            jiffies,
            elapsed_ns,
        })
}

#[cfg(test)]
mod tests {
    use super::jiffies_per_second;

    #[test]
    fn readings_with_a_tick_too_few_or_too_many_give_the_frequency() {
        for frequency in [100, 250, 300, 1_000] {
            let exact = frequency * 80 / 1_000;
            for jiffies in exact..=exact + u64::from(frequency > 100) {
                assert_eq!(jiffies_per_second(jiffies, 80_000_000).unwrap(), frequency);
            }
        }
    }

    #[test]
    fn a_clock_that_stands_still_is_an_error() {
        assert!(jiffies_per_second(0, 80_000_000).is_err());
        assert!(jiffies_per_second(8, 0).is_err());
    }
}
