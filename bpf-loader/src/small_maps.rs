//! Maps of the programs that evict and that user space only counts and tidies.

use std::collections::HashSet;

use aya::Ebpf;
use bpf_events::edge::{BucketKey, DeniedPair};
use bpf_events::fragment::FragmentKey;

use crate::error::LoaderError;
use crate::hash::EvictingHash;

/// `FRAGMENTS`, `DENIED_PORTS` and `DROP_BUCKETS`.
#[derive(Debug)]
pub(crate) struct SmallMaps {
    fragments: EvictingHash,
    denied_ports: EvictingHash,
    buckets: EvictingHash,
}

impl SmallMaps {
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        Ok(Self {
            fragments: EvictingHash::take(ebpf, "FRAGMENTS")?,
            denied_ports: EvictingHash::take(ebpf, "DENIED_PORTS")?,
            buckets: EvictingHash::take(ebpf, "DROP_BUCKETS")?,
        })
    }

    /// Forgets how many ports were denied of pairs that have no edge any more: their ports get edges of their own again.
    pub(crate) fn forget_denied(
        &self,
        with_edges: &HashSet<DeniedPair>,
    ) -> Result<(), LoaderError> {
        let mut gone = Vec::new();
        self.denied_ports.for_each(|pair: &DeniedPair, _: &u32| {
            if !with_edges.contains(pair) {
                gone.push(*pair);
            }
        })?;
        for pair in gone {
            self.denied_ports.remove::<_, u32>(&pair)?;
        }
        Ok(())
    }

    /// Map, entries and room.
    pub(crate) fn fill(&self) -> Result<[(&'static str, u32, u32); 3], LoaderError> {
        let (mut fragments, mut pairs, mut buckets) = (0, 0, 0);
        self.fragments
            .for_each(|_: &FragmentKey, _: &u32| fragments += 1)?;
        self.denied_ports
            .for_each(|_: &DeniedPair, _: &u32| pairs += 1)?;
        self.buckets
            .for_each(|_: &BucketKey, _: &u64| buckets += 1)?;
        Ok([
            ("FRAGMENTS", fragments, self.fragments.capacity()?),
            ("DENIED_PORTS", pairs, self.denied_ports.capacity()?),
            ("DROP_BUCKETS", buckets, self.buckets.capacity()?),
        ])
    }
}
