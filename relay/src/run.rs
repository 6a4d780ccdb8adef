//! A relay from start to end.

use std::sync::Arc;
use std::time::Instant;

use daemon::drain::{DRAIN_TIMEOUT, Drain};
use daemon::health::Health;
use daemon::listen::{Bound, Exposure, Listen};
use daemon::tasks::Tasks;
use tokio::task::JoinError;

use crate::clock::wall_ns;
use crate::config::Config;
use crate::counts::Counts;
use crate::dashboard::Dashboard;
use crate::error::RelayError;
use crate::merge::Bounds;
use crate::page::PageConfig;
use crate::peers;
use crate::service::{DashboardWorker, EdgeHub, Relay, Served, Server, wall_ms};

/// Runs a relay until `tasks` are cancelled (by a signal, or by whoever started it). Everything it starts is one of
/// `tasks`; the caller joins them.
///
/// # Errors
/// When there is nothing to relay, or the addresses cannot be used, or a listener ends by itself later.
pub async fn run(config: Config, tasks: Tasks) -> Result<(), RelayError> {
    let bound = bind(&config).await?;
    serve(config, bound, tasks).await
}

/// What is bound, so that clients may already connect.
#[derive(Debug)]
pub struct Listeners {
    /// For the API; there is at least one.
    pub api: Vec<Bound>,
    /// For the page, which has the API too.
    pub page: Vec<Bound>,
}

/// Binds every address of the configuration.
///
/// # Errors
/// If one cannot be bound, or there is none for the API.
pub async fn bind(config: &Config) -> Result<Listeners, RelayError> {
    let namespace = config.listen_namespace.as_deref();
    let mut api = Vec::with_capacity(config.listen.len());
    for listen in &config.listen {
        api.push(listen.bind_in(namespace, config.exposure.clone()).await?);
    }
    if api.is_empty() {
        return Err(RelayError::NoAddress);
    }
    let page = config.page.listen.bind(namespace, &config.exposure).await?;
    Ok(Listeners { api, page })
}

/// The same with listeners that are bound already.
///
/// # Errors
/// As [`run`].
pub async fn serve(config: Config, bound: Listeners, tasks: Tasks) -> Result<(), RelayError> {
    if !peers::has_source(&config) {
        return Err(RelayError::NoPeers);
    }
    let cancel = tasks.cancellation();
    let drain = Drain::new(cancel.clone());
    if let Exposure::Tls(tls) = &config.exposure {
        tasks.spawn("tls files", tls.follow(cancel.clone()));
    }
    let health = Health::starting().await;
    let epoch = wall_ns().rotate_left(20) ^ u64::from(std::process::id());
    let counts = config.dashboard || !bound.page.is_empty();
    let relay = Relay {
        name: config.name.as_str().into(),
        epoch,
        board: peers::start(&config, epoch, &tasks)?,
        counts: Arc::new(Counts::default()),
        bounds: Bounds {
            skew: config.skew_bound,
            late: config.late_bound,
        },
        drain: drain.clone(),
        started: Instant::now(),
        streams: config.streams,
        edges: EdgeHub::new(tasks.clone()),
        dashboard: counts.then(|| Dashboard::new(epoch, wall_ms())),
    };
    if let Some(dashboard) = &relay.dashboard {
        let worker = DashboardWorker::new(relay.clone(), Arc::clone(dashboard));
        let worker = worker.expect("its filters are our own, and good");
        tasks.spawn("dashboard", worker.run(cancel.clone()));
    }
    let server = Server::new(relay, &health)?;
    let listeners = serve_all(&server, bound, &config.page, &tasks);
    health.serving().await;
    let result = tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(()),
        ((listen, ended), ..) = futures_util::future::select_all(listeners) => Err(match ended {
            Ok(Err(source)) => RelayError::Serve { listen, source },
            _ => RelayError::ListenerEnded(listen),
        }),
    };
    cancel.cancel();
    health.draining().await;
    drain.finish(DRAIN_TIMEOUT).await;
    result
}

/// Serves every listener; each future tells of the end of one.
fn serve_all(
    server: &Server,
    bound: Listeners,
    page: &PageConfig,
    tasks: &Tasks,
) -> Vec<impl Future<Output = (Listen, Result<Served, JoinError>)> + Unpin + use<>> {
    let mut serving = Vec::with_capacity(bound.api.len() + bound.page.len());
    for bound in bound.api {
        let (address, task) = server.serve(bound, tasks);
        tracing::info!(%address, "serving");
        serving.push((address, task));
    }
    for bound in bound.page {
        let scheme = if bound.has_tls() { "https" } else { "http" };
        let (address, task) = server.serve_page(page, bound, tasks);
        let prefix = &page.prefix;
        tracing::info!(page = %format_args!("{scheme}://{address}{prefix}/"), "serving");
        serving.push((address, task));
    }
    let ends = serving
        .into_iter()
        .map(|(address, task)| Box::pin(async move { (address, task.await) }));
    ends.collect()
}
