//! Opening the datapath: loads the programs, or adopts what an earlier observer left behind.

use std::path::PathBuf;
use std::sync::Arc;

use bpf_loader::ring::EventRing;
use bpf_loader::{Datapath, LoaderError, Pins, RunTimeSettings, Settings};

use super::account::Account;
use super::base::Base;
use super::saved_edges::SavedFile;
use crate::config::{Aggregation, Config, Pinning};

/// Why the kernel part does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KernelError {
    /// The loader failed.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The ring was taken by somebody else.
    #[error("the event ring has no reading end")]
    NoRing,
}

/// The open datapath, in the parts that different threads own.
pub(crate) struct Kernel {
    /// For the control thread.
    pub(crate) datapath: Datapath,
    /// For the drain thread.
    pub(crate) ring: EventRing,
    /// What the counters were at the start.
    pub(crate) base: Base,
    /// For whoever asks.
    pub(crate) account: Arc<Account>,
    /// The pin directory, if anything is pinned.
    pub(crate) pins: Option<PathBuf>,
    /// Totals that are no more in the kernel.
    pub(super) saved: SavedFile,
}

/// Opens the datapath of a node. `numbers_known` says whether the numbers in pinned maps can be read: pins whose numbers
/// are lost are removed first, since nothing in them means anything any more.
pub(crate) fn open(
    config: &Config,
    node: &str,
    numbers_known: bool,
) -> Result<Kernel, KernelError> {
    let pins = match &config.pinning {
        Pinning::Default => Some(Pins::default_directory(node)),
        Pinning::At(directory) => Some(directory.clone()),
        Pinning::Off => None,
    };
    if let Some(directory) = &pins {
        let found = Pins::at(directory.clone());
        if found.exist() && !numbers_known {
            tracing::warn!(
                pins = %directory.display(),
                "the numbers of the pinned maps are lost: starting anew, which stops enforcement for a moment"
            );
            found.remove()?;
        }
    }
    let settings = Settings {
        pins: pins.clone(),
        ring_bytes: config.ring_bytes,
        ..Settings::default()
    };
    let mut datapath = Datapath::load(&settings, &run_time_settings(config))?;
    let saved = SavedFile::open(&config.state.join(node), datapath.adopted());
    datapath.edges.restore(saved.saved());
    let base = Base::read(&datapath.counters);
    let ring = datapath.take_ring().ok_or(KernelError::NoRing)?;
    let account = Arc::new(Account::new(datapath.counters.clone(), &base));
    tracing::info!(
        adopted = datapath.adopted(),
        hz = datapath.jiffies_per_second(),
        pins = pins.as_ref().map(|pins| pins.display().to_string()),
        "the eBPF programs are loaded"
    );
    Ok(Kernel {
        datapath,
        ring,
        base,
        account,
        pins,
        saved,
    })
}

fn run_time_settings(config: &Config) -> RunTimeSettings {
    RunTimeSettings {
        aggregation: match config.aggregation {
            Aggregation::Connection => bpf_loader::Aggregation::Connection,
            Aggregation::None => bpf_loader::Aggregation::None,
        },
        trace_interval: config.trace_interval,
        drop_events_per_second: config.drop_events_per_second,
        local_host_passes: config.local_host_passes,
    }
}
