//! From a configuration to a control thread: inputs read for the first time, planned, and followed from then on.

use std::path::Path;
use std::sync::Arc;

use daemon::tasks::Tasks;
use policy::{LabelFilter, PolicyRepository, RepositoryError};
use registry::api_store::ApiStore;
use registry::directory::{self, DirectorySource, Manifest};
use registry::endpoint_file::{self, EndpointFile, FileSource};
use registry::watch::{Timing, watch};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::cluster::{ask_for_numbers, first_numbers};
use crate::config::Config;
use crate::control::{ApiState, Cluster, Control, Inputs, Mailbox, Maps, Start};
use crate::desired::{Book, PlanSettings, Planner};
use crate::error::ObserverError;
use crate::label_filter_file::{self, LabelFilterSource};
use crate::links::LinkEvents;
use crate::node::Node;

/// What the inputs say at the start. What is wrong with them is an error, since there is no earlier good state.
#[derive(Debug)]
pub(crate) struct FirstRead {
    pub(crate) file: Arc<EndpointFile>,
    manifests: Vec<Manifest>,
    filter: Option<LabelFilter>,
    api: ApiState,
}

impl FirstRead {
    /// Reads every input.
    pub(crate) fn new(config: &Config) -> Result<Self, ObserverError> {
        if let Some(name) = &config.node {
            endpoint_file::check_node_name(name)?;
        }
        let file = endpoint_file::read(&config.endpoints)?;
        let manifests = match &config.policies {
            Some(directory) => read_policies(directory)?,
            None => Vec::new(),
        };
        let filter = match &config.label_filter {
            Some(path) => Some(label_filter_file::read(path)?),
            None => config.labels.clone(),
        };
        let store = ApiStore::new(config.api_directory());
        let api = ApiState::read(store, &file).map_err(not_beside(config))?;
        Ok(Self {
            file: Arc::new(file),
            manifests,
            filter,
            api,
        })
    }
}

/// The first read of policies, checked by themselves.
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

fn not_beside<E>(config: &Config) -> impl FnOnce(E) -> ObserverError
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let directory = config.api_directory();
    |error| ObserverError::Additions {
        directory,
        source: error.into(),
    }
}

/// Opens the numbers of a node; the tables are those of `node`.
pub(crate) fn open_book(
    config: &Config,
    node_name: &str,
    node: &Node,
) -> Result<Book, ObserverError> {
    let numbers = config.state.join(node_name).join("numbers");
    Book::open(
        &numbers,
        Arc::clone(&node.names.metadata),
        Arc::clone(&node.names.rules),
    )
    .map_err(|error| ObserverError::Kernel("cannot open the numbers of this node", error.into()))
}

/// What a control thread begins with, beside what was read.
pub(crate) struct Parts {
    pub(crate) book: Book,
    pub(crate) inputs: Inputs,
    pub(crate) cluster: Cluster,
    pub(crate) node: Arc<Node>,
    pub(crate) maps: Box<dyn Maps>,
}

/// Plans what was read, brings it into the maps, and publishes it. Waits a bounded time for the registry's numbers, so it
/// must not be called where others wait for the thread.
pub(crate) fn control(
    config: &Config,
    read: FirstRead,
    parts: Parts,
) -> Result<Control, ObserverError> {
    let Parts {
        book,
        inputs,
        cluster,
        node,
        maps,
    } = parts;
    let settings = PlanSettings {
        mode: config.mode,
        enforcement: config.enforcement,
        identity_rest: config.identity_rest,
    };
    let mut planner = Planner::new(
        settings,
        book,
        Arc::clone(&read.file),
        &node.names.node_name,
    );
    if let Some(filter) = read.filter {
        label_filter_file::tell(&filter);
        planner.set_label_filter(filter);
    }
    if let Some(directory) = &config.policies {
        planner
            .set_policies(&read.manifests)
            .map_err(not_usable(directory))?;
    }
    planner.set_earlier_api_endpoints(Arc::clone(read.api.endpoints()));
    planner
        .set_earlier_api_policies(read.api.policies())
        .map_err(not_beside(config))?;
    let registry = Arc::clone(cluster.registry());
    let unnumbered = planner.unnumbered();
    let given = Handle::current().block_on(first_numbers(&*registry, unnumbered));
    for (labels, answer) in given {
        match answer {
            Ok(identity) => planner.give_number(labels, identity),
            Err(reason) => planner.refuse_number(labels, reason),
        }
    }
    let start = Start {
        maps,
        cluster,
        planner,
        inputs,
        file: read.file,
        api: read.api,
        mode: config.mode,
        local_host_passes: config.local_host_passes,
        identity_rest: config.identity_rest,
        node,
    };
    Control::start(start)
        .map_err(|error| ObserverError::Kernel("cannot set up the kernel part", error.into()))
}

/// Begins to follow the files.
pub(crate) fn follow(config: &Config, tasks: &Tasks) -> Inputs {
    let source = FileSource::new(config.endpoints.clone());
    let (endpoints, work) = watch(source, Timing::default(), tasks.cancellation());
    tasks.spawn("follow the endpoint file", work);
    let policies = config.policies.as_ref().map(|directory| {
        let source = DirectorySource::new(directory.clone());
        let (policies, work) = watch(source, Timing::default(), tasks.cancellation());
        tasks.spawn("follow the policies", work);
        policies
    });
    let labels = config.label_filter.as_ref().map(|path| {
        let source = LabelFilterSource::new(path.clone());
        let (labels, work) = watch(source, Timing::default(), tasks.cancellation());
        tasks.spawn("follow the label filter", work);
        labels
    });
    Inputs {
        endpoints,
        policies,
        labels,
    }
}

/// Tells the control thread whatever happens: changes of inputs, answers of the registry, news of interfaces, and at last
/// the end.
pub(crate) fn tell(control: &Control, links: Option<LinkEvents>, tasks: &Tasks) {
    let mailbox = control.mailbox().clone();
    let inputs = control.inputs().tell(&mailbox);
    let cluster = control.cluster().tell(&mailbox);
    let registry = Arc::clone(control.cluster().registry());
    let asking = ask_for_numbers(registry, control.cluster().wanted(), mailbox.clone());
    let stopped = tasks.cancellation();
    tasks.spawn(
        "ask for numbers",
        async move { until(&stopped, asking).await },
    );
    let cancel = tasks.cancellation();
    if let Some(links) = links {
        let (mailbox, cancel) = (mailbox.clone(), cancel.clone());
        tasks.spawn_blocking("news of interfaces", move || {
            tell_links(links, &mailbox, &cancel);
        });
    }
    let stop = StopWhenDropped(mailbox);
    tasks.spawn("tell the control thread", async move {
        until(&cancel, futures_util::future::join(inputs, cluster)).await;
        drop(stop);
    });
}

/// A runtime that ends drops its tasks wherever they are; the control thread must learn of that too.
struct StopWhenDropped(Mailbox);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Works until it is cancelled, even if there is nothing to do any more.
async fn until<T>(cancel: &CancellationToken, work: impl Future<Output = T>) {
    let forever = async {
        work.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = forever => {}
    }
}

fn tell_links(mut links: LinkEvents, mailbox: &Mailbox, cancel: &CancellationToken) {
    while !cancel.is_cancelled() {
        match links.changed() {
            Ok(true) => mailbox.links(),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "no more news of interfaces; they are looked at every second");
                return;
            }
        }
    }
}

/// Subscribes to news of interfaces; without them, a look every second must do.
pub(crate) fn subscribe(config: &Config) -> Option<LinkEvents> {
    match LinkEvents::subscribe(config.namespace.as_deref()) {
        Ok(links) => Some(links),
        Err(error) => {
            tracing::warn!(%error, "no news of interfaces; they are looked at every second");
            None
        }
    }
}
