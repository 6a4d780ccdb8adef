//! The datapath as a whole: loading, settings, epochs, attaching, and running a program on a made-up packet.

use std::collections::BTreeSet;
use std::mem::offset_of;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aya::maps::RingBuf;
use aya::programs::{SchedClassifier, TestRun, TestRunOptions};
use aya::{Ebpf, EbpfLoader};
use bpf_events::config::{
    AGGREGATION_CONNECTION, AGGREGATION_NONE, Clock, Config, FLAG_LOCAL_HOST_PASSES,
};
use bpf_events::counters::{COUNTERS, TOTAL_CODES};
use nix::net::if_::if_nametoindex;

use crate::addresses::Addresses;
use crate::attach::{self, Place};
use crate::clock;
use crate::connections::Connections;
use crate::counters::Counters;
use crate::edges::Edges;
use crate::endpoints::Endpoints;
use crate::error::LoaderError;
use crate::hash::{self, Programs, Rows};
use crate::hook::Hook;
use crate::mapped::Mapped;
use crate::namespace::inside;
use crate::pins::Pins;
use crate::policy_sets::PolicySets;
use crate::pressure::Walked;
use crate::probe::Probe;
use crate::ring::EventRing;
use crate::settings::{Aggregation, RunTimeSettings, Settings};
use crate::small_maps::SmallMaps;

static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("TYCHO_BPF_OBJECT_PATH"));

pub(crate) const MAPS: [&str; 23] = [
    "CONFIG",
    "CLOCK",
    "ENDPOINT_BY_INTERFACE",
    "ENDPOINT_ROWS",
    "SPOOFING_CIDRS",
    "IPCACHE4",
    "IPCACHE6",
    "IPCACHE4_CIDR",
    "IPCACHE6_CIDR",
    "POLICY_SETS",
    "POLICY_GENERATIONS",
    "POLICY_CELLS",
    "CONNECTIONS4",
    "CONNECTIONS6",
    "FRAGMENTS",
    "EDGES",
    "EDGE_CELLS",
    "FREE_SLOTS",
    "DENIED_PORTS",
    "DROP_BUCKETS",
    "TOTALS",
    "COUNTERS",
    "EVENTS",
];

/// The loaded programs and every map, each group of maps with its owner.
#[derive(Debug)]
pub struct Datapath {
    ebpf: Ebpf,
    pins: Option<Pins>,
    config: Mapped,
    clock: Rows<Clock>,
    ring: Option<EventRing>,
    jiffies_per_second: u64,
    adopted: bool,
    measured: Programs,
    pub(crate) small: SmallMaps,
    /// What the last sweep counted.
    pub(crate) walked: Walked,
    /// Endpoints by interface.
    pub endpoints: Endpoints,
    /// The IP cache.
    pub addresses: Addresses,
    /// Policy sets.
    pub policy_sets: PolicySets,
    /// Exact counters.
    pub counters: Counters,
    /// Edge slots.
    pub edges: Edges,
    /// Conntrack.
    pub connections: Connections,
}

impl Datapath {
    /// Loads the programs; pinned maps of an earlier process are adopted with all that is in them.
    pub fn load(settings: &Settings, run_time: &RunTimeSettings) -> Result<Self, LoaderError> {
        let pins = settings.pins.clone().map(Pins::at);
        let adopted = pins.as_ref().is_some_and(Pins::exist);
        if let Some(pins) = &pins {
            pins.prepare()?;
        }
        let settings = match &pins {
            Some(pins) if adopted => &pins.sizes(settings)?,
            _ => settings,
        };
        let mut ebpf = load_object(settings, pins.as_ref())?;
        for probe in Probe::ALL {
            let loaded = program(&mut ebpf, probe)?.load();
            loaded.map_err(|source| LoaderError::Program {
                program: probe.name(),
                source: Box::new(source),
            })?;
        }
        let config = map_config(&mut ebpf)?;
        let ring = RingBuf::try_from(hash::take(&mut ebpf, "EVENTS")?)
            .map_err(hash::failed("EVENTS", "open the ring"))?;
        let connections = Connections::take(&mut ebpf)?;
        let held = connections.edge_slots()?;
        let mut datapath = Self {
            clock: Rows::take(&mut ebpf, "CLOCK")?,
            endpoints: Endpoints::take(&mut ebpf)?,
            addresses: Addresses::take(&mut ebpf)?,
            policy_sets: PolicySets::take(&mut ebpf)?,
            counters: Counters::take(&mut ebpf)?,
            edges: Edges::take(&mut ebpf, settings.edge_slots, &held)?,
            connections,
            measured: Programs::take(&mut ebpf, "MEASURED")?,
            small: SmallMaps::take(&mut ebpf)?,
            walked: Walked::default(),
            ebpf,
            pins,
            config,
            ring: Some(EventRing::new(ring)),
            jiffies_per_second: 0,
            adopted,
        };
        datapath.measure_clock()?;
        datapath.configure(run_time);
        if let Some(pins) = &datapath.pins {
            pins.remove_other_layouts()?;
        }
        Ok(datapath)
    }

    /// Whether maps of an earlier process were found.
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// The reading end of the event ring; once.
    pub fn take_ring(&mut self) -> Option<EventRing> {
        self.ring.take()
    }

    /// Changes what may change while the programs run.
    pub fn configure(&self, settings: &RunTimeSettings) {
        let word = |offset, value| self.config.word(0, offset).store(value, Ordering::Relaxed);
        let half = |offset, value| {
            self.config
                .half_word(0, offset)
                .store(value, Ordering::Relaxed);
        };
        let interval = settings.trace_interval.as_millis() as u64 * self.jiffies_per_second / 1_000;
        word(offset_of!(Config, trace_interval_jiffies), interval);
        word(
            offset_of!(Config, jiffies_per_second),
            self.jiffies_per_second,
        );
        let cost = 1_000_000_000u64
            .checked_div(settings.drop_events_per_second.into())
            .unwrap_or(0);
        word(offset_of!(Config, drop_event_cost_ns), cost);
        half(offset_of!(Config, edge_slots), self.edges.slots());
        half(
            offset_of!(Config, aggregation),
            match settings.aggregation {
                Aggregation::Connection => AGGREGATION_CONNECTION,
                Aggregation::None => AGGREGATION_NONE,
            },
        );
        let local_host = u32::from(settings.local_host_passes) * FLAG_LOCAL_HOST_PASSES;
        half(offset_of!(Config, flags), local_host);
    }

    /// To be called after policy changed: known connections are judged again.
    pub fn bump_policy_epoch(&self) {
        self.config
            .half_word(0, offset_of!(Config, policy_epoch))
            .fetch_add(1, Ordering::Release);
    }

    /// To be called after an address or interface began to mean something else.
    pub fn bump_identity_epoch(&self) {
        self.config
            .half_word(0, offset_of!(Config, identity_epoch))
            .fetch_add(1, Ordering::Release);
    }

    /// Attaches both programs to an interface of a namespace (a file such as `/run/netns/node`); returns its index.
    pub fn attach(
        &mut self,
        namespace: Option<&Path>,
        interface: &str,
    ) -> Result<u32, LoaderError> {
        let ifindex = inside(namespace, || if_nametoindex(interface))?;
        let ifindex = ifindex.map_err(|errno| LoaderError::File {
            operation: "find the interface",
            path: interface.into(),
            source: errno.into(),
        })?;
        for hook in Hook::ALL {
            let place = Place {
                namespace,
                interface,
                ifindex,
                hook,
            };
            let program = program(&mut self.ebpf, hook.into())?;
            attach::attach(program, &place, self.pins.as_ref())?;
        }
        Ok(ifindex)
    }

    /// Detaches from an interface, which may be gone already.
    pub fn detach(&mut self, ifindex: u32) -> Result<(), LoaderError> {
        if let Some(pins) = &self.pins {
            for hook in Hook::ALL {
                attach::remove(&pins.link(ifindex, hook))?;
            }
        }
        Ok(())
    }

    /// Interfaces to which pinned links of this or an earlier process are attached.
    pub fn attached(&self) -> Result<BTreeSet<u32>, LoaderError> {
        let Some(pins) = &self.pins else {
            return Ok(BTreeSet::new());
        };
        let links = pins.pinned_links()?;
        Ok(links.into_iter().map(|(ifindex, _, _)| ifindex).collect())
    }

    /// Runs a program on a packet (`BPF_PROG_TEST_RUN`): its return code and its time per run.
    pub fn run(
        &mut self,
        probe: Probe,
        packet: &[u8],
        context: Option<&[u8]>,
        repeat: u32,
    ) -> Result<(i32, Duration), LoaderError> {
        let options = TestRunOptions {
            data_in: Some(packet),
            ctx_in: context,
            repeat,
            ..TestRunOptions::new()
        };
        let result = program(&mut self.ebpf, probe)?
            .test_run(options)
            .map_err(|source| LoaderError::Run {
                program: probe.name(),
                source: Box::new(source),
            })?;
        Ok((result.return_value.cast_signed(), result.duration))
    }

    /// Chooses the program that [`Probe::Vary`] runs; for benches.
    pub fn measure(&mut self, probe: Probe) -> Result<(), LoaderError> {
        let failed = |source| LoaderError::Program {
            program: probe.name(),
            source: Box::new(source),
        };
        let program = program(&mut self.ebpf, probe)?.fd().map_err(failed)?;
        self.measured.set(0, program)
    }

    /// Reads both kernel clocks.
    pub fn clock(&mut self) -> Result<Clock, LoaderError> {
        self.run(Probe::Clock, &[0; 64], None, 1)?;
        self.clock.get(0)
    }

    /// CONFIG_HZ of the running kernel.
    pub fn jiffies_per_second(&self) -> u64 {
        self.jiffies_per_second
    }

    pub(crate) fn trace_interval_jiffies(&self) -> u64 {
        self.config
            .word(0, offset_of!(Config, trace_interval_jiffies))
            .load(Ordering::Relaxed)
    }

    pub(crate) fn program(&mut self, probe: Probe) -> Result<&mut SchedClassifier, LoaderError> {
        program(&mut self.ebpf, probe)
    }

    pub(crate) fn ebpf_mut(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    fn measure_clock(&mut self) -> Result<(), LoaderError> {
        let before = self.clock()?;
        std::thread::sleep(clock::MEASURE_FOR);
        let after = self.clock()?;
        self.jiffies_per_second = clock::jiffies_per_second(
            after.jiffies - before.jiffies,
            after.ktime_ns - before.ktime_ns,
        )?;
        Ok(())
    }
}

fn map_config(ebpf: &mut Ebpf) -> Result<Mapped, LoaderError> {
    let name = "CONFIG";
    let map = hash::take(ebpf, name)?;
    Mapped::new(name, &hash::data(&map, name)?, size_of::<Config>())
}

fn load_object(settings: &Settings, pins: Option<&Pins>) -> Result<Ebpf, LoaderError> {
    let cpus = aya::util::nr_cpus().map_err(|(file, source)| LoaderError::File {
        operation: "read",
        path: file.into(),
        source,
    })? as u32;
    let mut loader = EbpfLoader::new();
    loader
        .map_max_entries("EVENTS", settings.ring_bytes)
        .map_max_entries("EDGES", settings.edge_slots)
        .map_max_entries("FREE_SLOTS", settings.edge_slots)
        .map_max_entries("EDGE_CELLS", settings.edge_slots * cpus)
        .map_max_entries("TOTALS", TOTAL_CODES * cpus)
        .map_max_entries("COUNTERS", COUNTERS * cpus)
        .map_max_entries("CONNECTIONS4", settings.connections)
        .map_max_entries("CONNECTIONS6", settings.connections)
        .map_max_entries("POLICY_CELLS", settings.policy_cells);
    if let Some(pins) = pins {
        for map in MAPS {
            loader.map_pin_path(map, pins.map(map));
        }
    }
    loader
        .load(OBJECT)
        .map_err(|source| LoaderError::Load(Box::new(source)))
}

fn program(ebpf: &mut Ebpf, probe: Probe) -> Result<&mut SchedClassifier, LoaderError> {
    let missing = LoaderError::Missing {
        kind: "program",
        name: probe.name(),
    };
    match ebpf.program_mut(probe.name()) {
        Some(program) => program.try_into().map_err(|source| LoaderError::Program {
            program: probe.name(),
            source: Box::new(source),
        }),
        None => Err(missing),
    }
}
