//! What `tycho observer` and `tycho relay` share: a log, and work that a signal ends.

use std::future::Future;
use std::num::NonZeroUsize;

use anyhow::Context as _;
use daemon::drain::DRAIN_TIMEOUT;
use daemon::signals::Signals;
use daemon::tasks::Tasks;
use daemon::tracing_setup::{self, DEFAULT_FILTER, LOG_ENV, LogFormat, TracingError};
use tokio_util::sync::CancellationToken;

/// What is logged.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogArgs {
    /// What is logged: a level, or target=level pairs
    #[arg(long, value_name = "FILTER", default_value = DEFAULT_FILTER, env = LOG_ENV, hide_env_values = true)]
    log: String,
    /// How: `human` or `json`
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    log_format: LogFormat,
}

impl LogArgs {
    /// Begins to log.
    pub(crate) fn init(&self) -> Result<(), TracingError> {
        tracing_setup::init(&self.log, self.log_format)
    }
}

/// Runs a server until SIGINT or SIGTERM, on so many threads; `None` is one for each processor.
pub(crate) fn until_signal<F, E>(
    threads: Option<NonZeroUsize>,
    work: impl FnOnce(Tasks) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads.get());
    }
    let runtime = builder
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let signals = Signals::install()?;
        let tasks = Tasks::new();
        let done = CancellationToken::new();
        let watching = tasks.spawn("signals", signals.run(tasks.cancellation(), done.clone()));
        let result = work(tasks.clone()).await;
        tasks.cancellation().cancel();
        done.cancel();
        watching.await.context("the signal handlers failed")?;
        let joined = tasks.shutdown(DRAIN_TIMEOUT).await;
        result?;
        joined?;
        Ok(())
    })
}
