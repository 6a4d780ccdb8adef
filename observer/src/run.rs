//! An observer from start to end.

use std::sync::Arc;

use daemon::drain::{DRAIN_TIMEOUT, Drain};
use daemon::health::Health;
use daemon::listen::{Bound, Exposure};
use daemon::tasks::Tasks;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cluster;
use crate::config::Config;
use crate::control::{Cluster, Control, DryMaps, Inputs, Reachable};
use crate::error::ObserverError;
use crate::kernel::{self, Drain as RingDrain, KernelMaps};
use crate::ledger::KernelSource;
use crate::node::Node;
use crate::peers::PeerNode;
use crate::pipeline::Pipeline;
use crate::privileges;
use crate::service::Server;
use crate::start::{self, FirstRead, Parts};

/// Runs an observer until `tasks` are cancelled (by a signal, or by whoever started it). Everything it starts is one of
/// `tasks`; the caller joins them.
///
/// # Errors
/// When the inputs, the addresses or the kernel cannot be used at the start, or a part ends by itself later. What was
/// enforced before goes on.
pub async fn run(config: Config, tasks: Tasks) -> Result<(), ObserverError> {
    // What is wrong with the inputs is said first, whatever this process may do.
    let read = FirstRead::new(&config)?;
    // Before anything is loaded: a second observer ends here.
    let bound = bind(&config, &tasks).await?;
    let missing = privileges::missing();
    if !missing.is_empty() {
        return Err(ObserverError::Privileges { missing });
    }
    let (pipeline, inlet) =
        Pipeline::start_with_clock_offset(config.flows, config.clock_offset_ns, &tasks);
    let links = start::subscribe(&config);
    let inputs = start::follow(&config, &tasks);
    // It goes on for a moment after the end of everything else, to say that this node leaves.
    let last = CancellationToken::new();
    let until_the_end = last.clone().drop_guard();
    let name = node_name(&config, &read);
    let registry = cluster::open(&config, &name, &tasks, last).await?;
    let reachable = cluster::reachable(&config, &name, &bound);
    let cluster = Cluster::new(Arc::clone(&registry), reachable.clone());
    let start = {
        let (config, pipeline) = (config.clone(), pipeline.clone());
        tasks.spawn_blocking("start", move || {
            start(&config, read, &pipeline, inputs, cluster)
        })
    };
    let started = start.await.map_err(part_ended("start"))??;
    let Started {
        node,
        control,
        drain,
    } = started;
    let cancel = tasks.cancellation();
    let ring = RingDrain::new(
        drain.ring,
        inlet,
        drain.base,
        drain.counters,
        config.drain_delay,
    );
    let drained = tasks.spawn_blocking("drain", move || ring.run(&cancel));
    start::tell(&control, links, &tasks);
    let detach = config.detach_on_exit;
    let controlled = tasks.spawn_blocking("control", move || control.run(detach));
    let served = serve(node, bound, reachable, &tasks, drained, controlled).await;
    if detach {
        cluster::leave(&*registry).await;
    }
    drop(until_the_end);
    served
}

/// `cluster/node`.
fn node_name(config: &Config, read: &FirstRead) -> String {
    let name = config.node.as_ref().unwrap_or(&read.file.node);
    format!("{}/{name}", read.file.cluster)
}

/// Plans and answers for `node` without any kernel part: its endpoints wait for interfaces, and nothing is enforced. For
/// recorded flows, and for tests. Ends with `tasks`.
///
/// # Errors
/// When the inputs or the registry cannot be used.
pub async fn plan_only(
    config: &Config,
    node: &Arc<Node>,
    tasks: &Tasks,
) -> Result<(), ObserverError> {
    let read = FirstRead::new(config)?;
    let name = config
        .node
        .clone()
        .unwrap_or_else(|| read.file.node.clone());
    let end = tasks.cancellation();
    let registry = cluster::open(config, &node.names.node_name, tasks, end).await?;
    let reachable = Reachable {
        address: config.advertise.clone(),
        tls_server_name: None,
    };
    let parts = Parts {
        book: start::open_book(config, &name, node)?,
        inputs: start::follow(config, tasks),
        cluster: Cluster::new(registry, reachable),
        node: Arc::clone(node),
        maps: Box::new(DryMaps::new()),
    };
    let config = config.clone();
    let planned = tasks.spawn_blocking("plan", move || start::control(&config, read, parts));
    let control = planned.await.map_err(part_ended("plan"))??;
    start::tell(&control, None, tasks);
    tasks.spawn_blocking("control", move || control.run(false));
    Ok(())
}

async fn bind(config: &Config, tasks: &Tasks) -> Result<Vec<Bound>, ObserverError> {
    let mut bound = Vec::with_capacity(config.listen.len());
    for listen in &config.listen {
        bound.push(listen.bind(config.exposure.clone()).await?);
    }
    if bound.is_empty() {
        return Err(ObserverError::NoAddress);
    }
    if let Exposure::Tls(tls) = &config.exposure {
        tasks.spawn("tls files", tls.follow(tasks.cancellation()));
    }
    Ok(bound)
}

/// The parts that are running once the maps are as desired.
struct Started {
    node: Arc<Node>,
    control: Control,
    drain: kernel::Drainable,
}

/// Opens the kernel part and makes it say what the inputs want.
fn start(
    config: &Config,
    read: FirstRead,
    pipeline: &Pipeline,
    inputs: Inputs,
    cluster: Cluster,
) -> Result<Started, ObserverError> {
    let name = config
        .node
        .clone()
        .unwrap_or_else(|| read.file.node.clone());
    let mut node = Node::new(node_name(config, &read), pipeline, None);
    let book = start::open_book(config, &name, &node)?;
    let kernel = kernel::open(config, &name, !book.is_empty())
        .map_err(|error| ObserverError::Kernel("cannot start the kernel part", error.into()))?;
    node.kernel = Some(Arc::clone(&kernel.account) as Arc<dyn KernelSource>);
    let node = Arc::new(node);
    let interfaces = Arc::clone(&node.names.interfaces);
    let (maps, drain) = KernelMaps::new(kernel, config.namespace.clone(), interfaces)
        .map_err(|error| ObserverError::Kernel("cannot read the kernel's maps", error.into()))?;
    let parts = Parts {
        book,
        inputs,
        cluster,
        node: Arc::clone(&node),
        maps: Box::new(maps),
    };
    let control = start::control(config, read, parts)?;
    Ok(Started {
        node,
        control,
        drain,
    })
}

/// Serves until the end; a part that ends before its time ends everything.
async fn serve(
    node: Arc<Node>,
    bound: Vec<Bound>,
    reachable: Reachable,
    tasks: &Tasks,
    drained: JoinHandle<()>,
    controlled: JoinHandle<()>,
) -> Result<(), ObserverError> {
    let cancel = tasks.cancellation();
    let drain = Drain::new(cancel.clone());
    let health = Health::starting().await;
    let server = Server::new(&node, &health, &drain, tasks)
        .map_err(|error| ObserverError::Serve(error.into()))?;
    if let Some(own) = own_peer(&node, &bound, reachable) {
        node.peers.set_own(own);
    }
    let mut listeners = Vec::with_capacity(bound.len());
    for bound in bound {
        let (address, task) = server.serve(bound, tasks);
        tracing::info!(%address, node = node.names.node_name, "serving");
        listeners.push(Box::pin(async move { (address, task.await) }));
    }
    health.serving().await;
    let result = tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(()),
        _ = drained => Err(ObserverError::PartEnded("drain thread")),
        _ = controlled => Err(ObserverError::PartEnded("control thread")),
        ((address, ended), ..) = futures_util::future::select_all(listeners) => Err(match ended {
            Ok(Err(error)) => ObserverError::Serve(error.into()),
            _ => ObserverError::ListenerEnded(address),
        }),
    };
    cancel.cancel();
    health.draining().await;
    drain.finish(DRAIN_TIMEOUT).await;
    result
}

/// How a relay reaches this node: as other machines do, else by TCP if it can.
fn own_peer(node: &Node, bound: &[Bound], reachable: Reachable) -> Option<PeerNode> {
    let tcp = bound.iter().find(|bound| bound.tcp_address().is_some());
    let chosen = tcp.or(bound.first())?;
    let name = &node.names.node_name;
    let local = chosen.address().to_string();
    Some(PeerNode {
        address: reachable.address.unwrap_or(local),
        tls_server_name: chosen.has_tls().then(|| cluster::tls_name(name)),
        name: name.clone(),
    })
}

fn part_ended(part: &'static str) -> impl FnOnce(tokio::task::JoinError) -> ObserverError {
    move |error| {
        tracing::error!(%error, "{part} failed");
        ObserverError::PartEnded(part)
    }
}
