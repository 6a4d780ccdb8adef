//! All processes of the demo: etcd, if it is asked for, the observers, the relay.

use std::path::Path;

use daemon::tasks::Tasks;

use super::certificates::Certificates;
use super::etcd::{self, EtcdError};
use super::manifests::Files;
use super::node::DemoNode;
use super::observers::{Launch, Observers, Orders};
use super::place::Place;
use super::process::{Process, ProcessError, tycho};
use super::served::Served;
use super::topology::BACKBONE;

/// What a fleet needs to know.
pub(super) struct Plan<'a> {
    pub(super) place: &'a Place,
    pub(super) served: &'a Served,
    pub(super) certificates: &'a Certificates,
    /// The program, if etcd is the registry.
    pub(super) etcd: Option<&'a Path>,
    pub(super) log: &'a str,
}

/// The processes that run.
#[derive(Default)]
pub(super) struct Fleet {
    etcd: Option<Process>,
    observers: Option<Observers>,
    relay: Option<Process>,
}

/// A part has ended by itself.
pub(super) enum Ended {
    /// The demo goes on without it.
    OneOfMany(String),
    /// Nothing can be seen without it.
    Relay(String),
}

impl Plan<'_> {
    /// The registry, as observers and relay take it.
    pub(super) fn registry(&self) -> String {
        match self.etcd {
            Some(_) => etcd::url(),
            None => format!("file:{}", self.place.files().registry().display()),
        }
    }

    fn launch(&self, node: DemoNode) -> Launch {
        let files = self.place.files();
        let mut sockets = vec![files.observer_socket(node)];
        if node == DemoNode::A {
            sockets.extend(self.served.observer_socket.clone());
        }
        Launch {
            node,
            endpoints: files.endpoints(node),
            policies: files.policies(),
            state: files.of_node(node),
            pins: self.place.pins_of(node),
            registry: self.registry(),
            sockets,
            tcp: node.observer(),
            certificate: self.certificates.of_node(node),
            log: self.log.to_owned(),
        }
    }

    fn relay_arguments(&self) -> Vec<String> {
        let certificate = self.certificates.of_relay();
        let path = |path: &Path| path.display().to_string();
        let mut arguments = vec!["relay".to_owned()];
        let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        add("--registry", self.registry());
        add("--listen", self.served.relay());
        if let Some(tcp) = self.served.relay_tcp {
            add("--listen", tcp.to_string());
        }
        if let Some(page) = self.served.page {
            add("--page", page.to_string());
        }
        if self.served.relay_tcp.is_some() || self.served.page.is_some() {
            // Clients are where this process is, and nodes are where the relay is.
            let own = format!("/proc/{}/ns/net", std::process::id());
            add("--listen-netns", own);
        }
        add("--peer-tls-ca-cert-files", path(&certificate.authority));
        add("--peer-tls-cert-file", path(&certificate.certificate));
        add("--peer-tls-key-file", path(&certificate.key));
        add("--log", self.log.to_owned());
        if self.served.page.is_none() {
            arguments.push("--no-page".to_owned());
        }
        arguments
    }
}

impl Fleet {
    /// Starts etcd and waits for it; does nothing if it is not asked for.
    pub(super) async fn start_etcd(
        &mut self,
        tasks: &Tasks,
        plan: &Plan<'_>,
    ) -> Result<(), EtcdError> {
        if let Some(program) = plan.etcd {
            let files: Files = plan.place.files();
            self.etcd = Some(etcd::start(tasks, program, &files.etcd()).await?);
        }
        Ok(())
    }

    /// Starts the observers.
    pub(super) async fn start_observers(
        &mut self,
        tasks: &Tasks,
        plan: &Plan<'_>,
    ) -> Result<Orders, ProcessError> {
        let launches = DemoNode::ALL.map(|node| plan.launch(node));
        let observers = self
            .observers
            .insert(Observers::start(tasks, launches).await?);
        Ok(observers.orders())
    }

    /// Starts the relay.
    pub(super) async fn start_relay(
        &mut self,
        tasks: &Tasks,
        plan: &Plan<'_>,
    ) -> Result<(), ProcessError> {
        let relay = tycho(&plan.relay_arguments());
        let relay = Process::start(tasks, BACKBONE, "the relay".to_owned(), relay).await?;
        self.relay = Some(relay);
        Ok(())
    }

    /// Waits until a part ends by itself.
    pub(super) async fn ended(&mut self) -> Ended {
        tokio::select! {
            ended = of_process(&mut self.relay) => Ended::Relay(ended),
            ended = of_process(&mut self.etcd) => {
                self.etcd = None;
                Ended::OneOfMany(format!("{ended}; nodes go on with what they know"))
            }
            ended = of_observers(&mut self.observers) => Ended::OneOfMany(format!(
                "{ended}; eBPF programs that are loaded go on enforcing"
            )),
        }
    }

    /// Ends all of them, the relay first, so that nobody is told of the others' end as of trouble.
    pub(super) async fn end(self) {
        if let Some(relay) = self.relay {
            relay.end().await;
        }
        if let Some(observers) = self.observers {
            observers.end().await;
        }
        if let Some(etcd) = self.etcd {
            etcd.end().await;
        }
    }
}

async fn of_process(process: &mut Option<Process>) -> String {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}

async fn of_observers(observers: &mut Option<Observers>) -> String {
    match observers {
        Some(observers) => observers.ended().await,
        None => std::future::pending().await,
    }
}
