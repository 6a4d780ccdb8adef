//! The drain thread: empties the kernel's ring into the pipeline, and tells what the ring had no room for.

use std::time::{Duration, Instant};

use bpf_events::counters::Counter;
use bpf_loader::counters::Counters;
use bpf_loader::ring::EventRing;
use tokio_util::sync::CancellationToken;

use super::base::Base;
use crate::pipeline::{Decoded, Inlet, monotonic_ns};

/// Records taken between two watermarks.
const PASS_RECORDS: usize = 16_384;

/// Pause between two passes while records come: each wake-up by the kernel would cost more.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// How long an idle thread waits before it looks at its cancellation and the counters.
const IDLE_WAIT: Duration = Duration::from_millis(50);

/// Between two looks at the counters of losses.
const LOSS_POLL: Duration = Duration::from_millis(200);

/// A record's time is read after its place was reserved; until it is committed, this may pass.
const COMMIT_SLACK_NS: u64 = 200_000;

/// The state of the thread.
pub(crate) struct Drain {
    ring: EventRing,
    inlet: Inlet,
    base: Base,
    losses: Losses,
    delay: Duration,
}

impl Drain {
    pub(crate) fn new(
        ring: EventRing,
        inlet: Inlet,
        base: Base,
        counters: Counters,
        delay: Duration,
    ) -> Self {
        Self {
            losses: Losses::new(counters, &base),
            ring,
            inlet,
            base,
            delay,
        }
    }

    /// Works until it is cancelled, then once more; the inlet ends with it.
    pub(crate) fn run(mut self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            let taken = self.pass();
            self.losses.poll(&mut self.inlet);
            if !self.delay.is_zero() {
                std::thread::sleep(self.delay);
            } else if taken == 0 {
                self.wait();
            } else if taken < PASS_RECORDS {
                std::thread::sleep(BUSY_PAUSE);
            }
        }
        self.pass();
        self.losses.tell(&mut self.inlet);
    }

    /// Takes what is in the ring, at most a pass full.
    fn pass(&mut self) -> usize {
        let began_ns = monotonic_ns();
        let (inlet, base) = (&mut self.inlet, &self.base);
        let taken = self.ring.drain(PASS_RECORDS, |bytes| {
            if let Decoded::Record { cpu, sequence } = inlet.accept(bytes)
                && base.is_before(cpu, sequence)
            {
                inlet.was_before_start();
            }
        });
        // A full pass may have left older records behind.
        if taken < PASS_RECORDS {
            self.inlet
                .watermark(began_ns.saturating_sub(COMMIT_SLACK_NS));
        } else {
            self.inlet.watermark(0);
        }
        taken
    }

    fn wait(&self) {
        if let Err(error) = self.ring.wait(IDLE_WAIT) {
            tracing::warn!(%error, "cannot wait for the event ring");
            std::thread::sleep(IDLE_WAIT);
        }
    }
}

/// Follows the counters of records that found the ring full.
struct Losses {
    counters: Counters,
    told: Vec<u64>,
    polled: Instant,
    polled_ns: u64,
}

impl Losses {
    fn new(counters: Counters, base: &Base) -> Self {
        Self {
            counters,
            told: base.cpus.iter().map(|cpu| cpu.reserve_failed).collect(),
            polled: Instant::now(),
            polled_ns: monotonic_ns(),
        }
    }

    /// Tells of new losses, if the last look was long enough ago.
    fn poll(&mut self, inlet: &mut Inlet) {
        if self.polled.elapsed() >= LOSS_POLL {
            self.tell(inlet);
        }
    }

    fn tell(&mut self, inlet: &mut Inlet) {
        let now_ns = monotonic_ns();
        for (cpu, told) in self.told.iter_mut().enumerate() {
            let lost = self.counters.on_cpu(Counter::ReserveFailed, cpu);
            if lost > *told {
                let cpu = u16::try_from(cpu).unwrap_or(u16::MAX);
                inlet.lost_in_kernel(cpu, lost - *told, self.polled_ns, now_ns);
                *told = lost;
            }
        }
        self.polled = Instant::now();
        self.polled_ns = now_ns;
    }
}
