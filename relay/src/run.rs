//! A relay from start to end.

use std::sync::Arc;
use std::time::Instant;

use daemon::drain::{DRAIN_TIMEOUT, Drain};
use daemon::health::Health;
use daemon::listen::{Bound, Exposure};
use daemon::tasks::Tasks;

use crate::clock::wall_ns;
use crate::config::Config;
use crate::counts::Counts;
use crate::dashboard::Dashboard;
use crate::error::RelayError;
use crate::merge::Bounds;
use crate::peers;
use crate::service::{DashboardWorker, EdgeHub, Relay, Server, wall_ms};

/// Runs a relay until `tasks` are cancelled (by a signal, or by whoever started it). Everything it starts is one of
/// `tasks`; the caller joins them.
///
/// # Errors
/// When there is nothing to relay, or the addresses cannot be used, or a listener ends by itself later.
pub async fn run(config: Config, tasks: Tasks) -> Result<(), RelayError> {
    let bound = bind(&config).await?;
    serve(config, bound, tasks).await
}

/// Binds every address of the configuration.
///
/// # Errors
/// If one cannot be bound, or there is none.
pub async fn bind(config: &Config) -> Result<Vec<Bound>, RelayError> {
    let mut bound = Vec::with_capacity(config.listen.len());
    for listen in &config.listen {
        let namespace = config.listen_namespace.as_deref();
        bound.push(listen.bind_in(namespace, config.exposure.clone()).await?);
    }
    if bound.is_empty() {
        return Err(RelayError::NoAddress);
    }
    Ok(bound)
}

/// The same with listeners that are bound already.
///
/// # Errors
/// As [`run`].
pub async fn serve(config: Config, bound: Vec<Bound>, tasks: Tasks) -> Result<(), RelayError> {
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
        dashboard: config.dashboard.then(|| Dashboard::new(epoch, wall_ms())),
    };
    if let Some(dashboard) = &relay.dashboard {
        let worker = DashboardWorker::new(relay.clone(), Arc::clone(dashboard));
        let worker = worker.expect("no client has taken a place yet");
        tasks.spawn("dashboard", worker.run(cancel.clone()));
    }
    let server = Server::new(relay, &health)?;
    let mut listeners = Vec::with_capacity(bound.len());
    for bound in bound {
        let (address, task) = server.serve(bound, &tasks);
        tracing::info!(%address, "serving");
        listeners.push(Box::pin(async move { (address, task.await) }));
    }
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
