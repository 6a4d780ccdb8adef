//! The observers of the nodes: each is a process in the namespace of its node, which can be killed and started again.

use std::net::SocketAddr;
use std::path::PathBuf;

use daemon::tasks::Tasks;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::certificates::NodeCertificate;
use super::node::DemoNode;
use super::process::{Process, ProcessError, tycho};

/// Flows held by each: the demo makes a few per second.
const FLOWS: u32 = 65_536;
/// Orders that may wait for their turn.
const ORDERS: usize = 4;

/// What the observer of a node is told.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) node: DemoNode,
    pub(super) endpoints: PathBuf,
    pub(super) policies: PathBuf,
    pub(super) state: PathBuf,
    pub(super) pins: PathBuf,
    pub(super) registry: String,
    pub(super) sockets: Vec<PathBuf>,
    pub(super) tcp: SocketAddr,
    pub(super) certificate: NodeCertificate,
    pub(super) log: String,
}

impl Launch {
    fn arguments(&self) -> Vec<String> {
        let path = |path: &PathBuf| path.display().to_string();
        let certificate = &self.certificate;
        let mut arguments = vec!["observer".to_owned()];
        let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        add("--endpoints", path(&self.endpoints));
        add("--policies", path(&self.policies));
        add("--node", self.node.name());
        add("--state", path(&self.state));
        add("--pins", path(&self.pins));
        add("--registry", self.registry.clone());
        for socket in &self.sockets {
            add("--listen", format!("unix://{}", socket.display()));
        }
        add("--listen", self.tcp.to_string());
        add("--advertise", self.tcp.to_string());
        add("--tls-cert-file", path(&certificate.certificate));
        add("--tls-key-file", path(&certificate.key));
        add("--tls-client-ca-files", path(&certificate.authority));
        add("--mode", "enforce".to_owned());
        add("--flows", FLOWS.to_string());
        add("--log", self.log.clone());
        arguments.push("--detach-on-exit".to_owned());
        arguments
    }
}

/// What can be done with the observer of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Kill,
    Start,
}

/// An order, and where its answer goes.
type Asked = (Order, oneshot::Sender<Result<String, String>>);

/// The way to the observers.
#[derive(Debug, Clone)]
pub(super) struct Orders([mpsc::Sender<Asked>; 3]);

/// The observers.
#[derive(Debug)]
pub(super) struct Observers {
    orders: Orders,
    ended: mpsc::Receiver<String>,
    stop: CancellationToken,
    keepers: Vec<JoinHandle<()>>,
}

impl Orders {
    /// Carries out an order. What was done, or why it was not.
    pub(super) async fn give(&self, node: DemoNode, order: Order) -> Result<String, String> {
        let over = || "the demo is about to end".to_owned();
        let (answer, answered) = oneshot::channel();
        if self.0[node.index()].send((order, answer)).await.is_err() {
            return Err(over());
        }
        answered.await.unwrap_or_else(|_closed| Err(over()))
    }
}

impl Observers {
    /// Starts the observer of each node.
    pub(super) async fn start(tasks: &Tasks, launches: [Launch; 3]) -> Result<Self, ProcessError> {
        let stop = CancellationToken::new();
        let (news, ended) = mpsc::channel(ORDERS);
        let mut keepers = Vec::new();
        let mut started = Ok(());
        let orders = launches.map(|launch| {
            let (orders, asked) = mpsc::channel(ORDERS);
            let keeper = Keeper {
                launch,
                tasks: tasks.clone(),
                process: None,
            };
            keepers.push((keeper, asked));
            orders
        });
        let mut handles = Vec::new();
        for (mut keeper, asked) in keepers {
            if started.is_ok() {
                started = keeper.start().await;
            }
            let node = keeper.launch.node;
            let work = keeper.keep(asked, news.clone(), stop.clone());
            handles.push(tasks.spawn(format!("observer of node {node}"), work));
        }
        let observers = Self {
            orders: Orders(orders),
            ended,
            stop,
            keepers: handles,
        };
        match started {
            Ok(()) => Ok(observers),
            Err(error) => {
                observers.end().await;
                Err(error)
            }
        }
    }

    /// The way to them.
    pub(super) fn orders(&self) -> Orders {
        self.orders.clone()
    }

    /// Waits until one ends, and says which and how.
    pub(super) async fn ended(&mut self) -> String {
        match self.ended.recv().await {
            Some(news) => news,
            None => std::future::pending().await,
        }
    }

    /// Ends them all.
    pub(super) async fn end(self) {
        self.stop.cancel();
        for keeper in self.keepers {
            // A panic was printed where it happened.
            keeper.await.ok();
        }
    }
}

/// Owns the process of one observer.
struct Keeper {
    launch: Launch,
    tasks: Tasks,
    process: Option<Process>,
}

impl Keeper {
    async fn keep(
        mut self,
        mut orders: mpsc::Receiver<Asked>,
        news: mpsc::Sender<String>,
        stop: CancellationToken,
    ) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                ended = ended(&mut self.process) => {
                    self.process = None;
                    // With nobody to hear it the demo is about to end.
                    tokio::select! {
                        _ = news.send(ended) => {}
                        () = stop.cancelled() => break,
                    }
                }
                asked = orders.recv() => {
                    let Some((order, answer)) = asked else { break };
                    let done = match order {
                        Order::Kill => self.kill().await,
                        Order::Start => self.start_again().await,
                    };
                    // Whoever asked may have gone.
                    answer.send(done).ok();
                }
            }
        }
        if let Some(process) = self.process.take() {
            process.end().await;
        }
    }

    async fn start(&mut self) -> Result<(), ProcessError> {
        let (node, command) = (self.launch.node, tycho(&self.launch.arguments()));
        let what = format!("the observer of node {node}");
        let process = Process::start(&self.tasks, &node.namespace(), what, command).await?;
        self.process = Some(process);
        Ok(())
    }

    async fn kill(&mut self) -> Result<String, String> {
        let node = self.launch.node;
        let Some(process) = self.process.take() else {
            return Err(format!(
                "the observer of node {node} does not run; `tycho demo --start-node {node}` starts it"
            ));
        };
        let pid = process
            .pid()
            .map_or_else(String::new, |pid| format!(" (process {pid})"));
        process.kill().await;
        Ok(format!(
            "killed the observer of node {node}{pid}: its eBPF programs go on enforcing, and nobody tells what they \
             see; `tycho demo --start-node {node}` starts it again"
        ))
    }

    async fn start_again(&mut self) -> Result<String, String> {
        let node = self.launch.node;
        if self.process.is_some() {
            return Err(format!("the observer of node {node} runs already"));
        }
        self.start()
            .await
            .map_err(|error| daemon::causes::in_full(&error))?;
        Ok(format!(
            "started the observer of node {node}: it takes over the programs that are there"
        ))
    }
}

async fn ended(process: &mut Option<Process>) -> String {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}
