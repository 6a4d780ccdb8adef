//! An observer from start to end.

use std::path::Path;
use std::sync::Arc;

use daemon::drain::{DRAIN_TIMEOUT, Drain};
use daemon::health::Health;
use daemon::listen::Bound;
use daemon::tasks::Tasks;
use policy::{PolicyRepository, RepositoryError};
use registry::directory::{self, DirectorySource, Manifest};
use registry::endpoint_file::{self, EndpointFile, FileSource};
use registry::watch::{Timing, watch};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::desired::{Book, PlanSettings, Planner};
use crate::error::ObserverError;
use crate::kernel::{self, Control, Drain as RingDrain, Inputs};
use crate::ledger::KernelSource;
use crate::node::Node;
use crate::pipeline::Pipeline;
use crate::privileges;
use crate::service::Server;

/// Runs an observer until `tasks` are cancelled (by a signal, or by whoever started it). Everything it starts is one of
/// `tasks`; the caller joins them.
///
/// # Errors
/// When the inputs, the addresses or the kernel cannot be used at the start, or a part ends by itself later. What was
/// enforced before goes on.
pub async fn run(config: Config, tasks: Tasks) -> Result<(), ObserverError> {
    if let Some(name) = &config.node {
        endpoint_file::check_node_name(name)?;
    }
    let file = endpoint_file::read(&config.endpoints)?;
    // What is wrong with the inputs is said first, whatever this process may do.
    let manifests = match &config.policies {
        Some(directory) => read_policies(directory)?,
        None => Vec::new(),
    };
    let node_name = config.node.clone().unwrap_or_else(|| file.node.clone());
    // Before anything is loaded: a second observer ends here.
    let bound = bind(&config).await?;
    let missing = privileges::missing();
    if !missing.is_empty() {
        return Err(ObserverError::Privileges { missing });
    }
    let (pipeline, inlet) = Pipeline::start(config.flows, &tasks);
    let inputs = follow(&config, &tasks);
    let start = {
        let (config, pipeline) = (config.clone(), pipeline.clone());
        tasks.spawn_blocking("start", move || {
            start(&config, &node_name, file, &manifests, &pipeline, inputs)
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
    let token = cancel.clone();
    let drained = tasks.spawn_blocking("drain", move || ring.run(&token));
    let token = cancel.clone();
    let detach = config.detach_on_exit;
    let controlled = tasks.spawn_blocking("control", move || control.run(&token, detach));
    serve(node, bound, &tasks, drained, controlled).await
}

async fn bind(config: &Config) -> Result<Vec<Bound>, ObserverError> {
    let mut bound = Vec::with_capacity(config.listen.len());
    for listen in &config.listen {
        bound.push(listen.bind(config.exposure).await?);
    }
    if bound.is_empty() {
        return Err(ObserverError::NoAddress);
    }
    Ok(bound)
}

/// Begins to follow the files.
fn follow(config: &Config, tasks: &Tasks) -> Inputs {
    let source = FileSource::new(config.endpoints.clone());
    let (endpoints, work) = watch(source, Timing::default(), tasks.cancellation());
    tasks.spawn("follow the endpoint file", work);
    let policies = config.policies.as_ref().map(|directory| {
        let source = DirectorySource::new(directory.clone());
        let (policies, work) = watch(source, Timing::default(), tasks.cancellation());
        tasks.spawn("follow the policies", work);
        policies
    });
    Inputs {
        endpoints,
        policies,
    }
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
    node_name: &str,
    file: EndpointFile,
    manifests: &[Manifest],
    pipeline: &Pipeline,
    inputs: Inputs,
) -> Result<Started, ObserverError> {
    let mut node = Node::new(format!("{}/{node_name}", file.cluster), pipeline, None);
    let numbers = config.state.join(node_name).join("numbers");
    let book = Book::open(
        &numbers,
        Arc::clone(&node.names.metadata),
        Arc::clone(&node.names.rules),
    )
    .map_err(|error| ObserverError::Kernel("cannot open the numbers of this node", error.into()))?;
    let numbers_known = !book.is_empty();
    let settings = PlanSettings::new(config.mode, config.enforcement);
    let mut planner = Planner::new(settings, book, Arc::new(file));
    if let Some(directory) = &config.policies {
        planner
            .set_policies(manifests)
            .map_err(not_usable(directory))?;
    }
    let kernel = kernel::open(config, node_name, numbers_known)
        .map_err(|error| ObserverError::Kernel("cannot start the kernel part", error.into()))?;
    node.kernel = Some(Arc::clone(&kernel.account) as Arc<dyn KernelSource>);
    let node = Arc::new(node);
    let (control, drain) = Control::start(
        kernel,
        planner,
        inputs,
        config.namespace.clone(),
        Arc::clone(&node.names.interfaces),
    )
    .map_err(|error| ObserverError::Kernel("cannot set up the kernel part", error.into()))?;
    Ok(Started {
        node,
        control,
        drain,
    })
}

/// The first read: here a wrong policy is an error, since there is no earlier good one.
fn read_policies(directory: &Path) -> Result<Vec<Manifest>, ObserverError> {
    let manifests = directory::read(directory)?;
    let names: Vec<String> = manifests
        .iter()
        .map(|manifest| manifest.path.display().to_string())
        .collect();
    let texts = manifests
        .iter()
        .map(|manifest| Some(manifest.text.as_str()));
    PolicyRepository::new()
        .change(names.iter().map(String::as_str).zip(texts))
        .map_err(not_usable(directory))?;
    Ok(manifests)
}

fn not_usable(directory: &Path) -> impl FnOnce(RepositoryError) -> ObserverError {
    |source| ObserverError::Policies {
        directory: directory.to_owned(),
        source,
    }
}

/// Serves until the end; a part that ends before its time ends everything.
async fn serve(
    node: Arc<Node>,
    bound: Vec<Bound>,
    tasks: &Tasks,
    drained: JoinHandle<()>,
    controlled: JoinHandle<()>,
) -> Result<(), ObserverError> {
    let cancel = tasks.cancellation();
    let drain = Drain::new(cancel.clone());
    let health = Health::starting().await;
    let server = Server::new(&node, &health, &drain, tasks)
        .map_err(|error| ObserverError::Serve(error.into()))?;
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

fn part_ended(part: &'static str) -> impl FnOnce(tokio::task::JoinError) -> ObserverError {
    move |error| {
        tracing::error!(%error, "{part} failed");
        ObserverError::PartEnded(part)
    }
}
