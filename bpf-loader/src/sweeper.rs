//! Sweeping: idle connections tell what is pending and expire; rate-limited drops get their summary.

use bpf_events::sweep::{
    NOT_FOUND, NOTHING_PENDING, RING_FULL, SWEEP_CONNECTION4, SWEEP_CONNECTION6, SWEEP_EDGE,
    SweepRequest, TOLD,
};
use zerocopy::IntoBytes;

use crate::connections::ConnectionKey;
use crate::datapath::Datapath;
use crate::error::LoaderError;
use crate::pressure::Walked;
use crate::probe::Probe;

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Conntrack entries before the sweep.
    pub connections: u64,
    /// Entries removed because their lifetime was over.
    pub expired: u64,
    /// Packets that an expired entry could not tell any more, because the ring was full.
    pub untold_packets: u64,
    /// Bytes of those.
    pub untold_bytes: u64,
    /// Entries whose pending counts were told.
    pub told: u64,
    /// Entries that still owe an event, because the ring was full.
    pub postponed: u64,
}

impl Datapath {
    /// Tells what idle connections and rate-limited drops owe, and removes expired connections and what policy changes left.
    pub fn sweep(&mut self) -> Result<Sweep, LoaderError> {
        let now = self.clock()?.jiffies;
        let idle = self.trace_interval_jiffies();
        let ticks = self.jiffies_per_second();
        let walk = self.connections.walk(now, idle, ticks)?;
        let mut sweep = Sweep {
            connections: walk.present.iter().sum(),
            ..Sweep::default()
        };
        for key in &walk.owing {
            let request = match key {
                ConnectionKey::V4(key) => request(SWEEP_CONNECTION4, key.as_bytes()),
                ConnectionKey::V6(key) => request(SWEEP_CONNECTION6, key.as_bytes()),
            };
            self.run_sweep(&request, &mut sweep)?;
        }
        let (owing, edges) = self.edges.owing()?;
        for key in owing {
            self.run_sweep(&request(SWEEP_EDGE, key.as_bytes()), &mut sweep)?;
        }
        for key in &walk.expired {
            if let Some(last) = self.connections.remove_expired(key, now, ticks)? {
                sweep.expired += 1;
                sweep.untold_packets += last.pending_packets.iter().sum::<u64>();
                sweep.untold_bytes += last.pending_bytes.iter().sum::<u64>();
            }
        }
        self.walked = Walked {
            connections4: walk.present[0],
            connections6: walk.present[1],
            edges,
        };
        self.policy_sets.collect()?;
        Ok(sweep)
    }

    fn run_sweep(&mut self, request: &SweepRequest, sweep: &mut Sweep) -> Result<(), LoaderError> {
        let (code, _) = self.run(Probe::Sweep, request.as_bytes(), None, 1)?;
        match code {
            NOTHING_PENDING | NOT_FOUND => {}
            TOLD => sweep.told += 1,
            code if code & !(TOLD | RING_FULL) == 0 => sweep.postponed += 1,
            code => return Err(LoaderError::SweepCode { code }),
        }
        Ok(())
    }
}

fn request(kind: u32, key: &[u8]) -> SweepRequest {
    let mut padded = [0; 40];
    for (to, from) in padded.iter_mut().zip(key) {
        *to = *from;
    }
    SweepRequest {
        kind,
        reserved: 0,
        key: padded,
    }
}
