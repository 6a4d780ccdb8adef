//! The machine's own clock: time since boot, with the name of the boot.

use std::fs;

use nix::time::{ClockId, clock_gettime};

use super::line::Timer;

/// Which boot this is.
#[derive(Clone, Debug)]
pub(super) struct Boot {
    id: String,
}

impl Boot {
    pub(super) fn read() -> Self {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            id: id.trim().to_owned(),
        }
    }

    /// A timer that begins now.
    pub(super) fn timer(&self, length_ms: u64) -> Timer {
        Timer {
            boot: self.id.clone(),
            until_ms: now_ms().saturating_add(length_ms),
            length_ms,
        }
    }

    /// Whether a timer has run out. One of another boot begins anew.
    pub(super) fn has_ended(&self, timer: &mut Timer) -> bool {
        if timer.boot != self.id {
            *timer = self.timer(timer.length_ms);
        }
        now_ms() >= timer.until_ms
    }
}

/// Goes on while the machine sleeps.
fn now_ms() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        let nanoseconds = u64::try_from(time.tv_nsec()).unwrap_or(0);
        seconds * 1000 + nanoseconds / 1_000_000
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_of_another_boot_begin_anew() {
        let boot = Boot::read();
        assert!(!boot.id.is_empty());
        let mut over = boot.timer(0);
        assert!(boot.has_ended(&mut over));
        let mut other = Timer {
            boot: "other".to_owned(),
            until_ms: 0,
            length_ms: 3_600_000,
        };
        assert!(!boot.has_ended(&mut other));
        assert_eq!(other.boot, boot.id);
    }
}
