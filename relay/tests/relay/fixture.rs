//! Nodes behind TCP ports, a relay in front of them, and a client.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bpf_events::record::{DIRECTION_INGRESS, Record};
use daemon::connect::{Address, ClientSecurity, Target, Windows, connect};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use flow::metadata::MetadataContent;
use flow::rules::{PolicyRef, RuleInfo};
use observer::Node;
use observer::pipeline::{Inlet, Pipeline, monotonic_ns};
use observer::service::Server;
use policy::LabelSet;
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetFlowsRequest, GetFlowsResponse};
use relay::Config;
use relay::config::NamedAddress;
use relay::page::PageListen;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use zerocopy::IntoBytes;

pub(crate) use crate::records::record;
pub(crate) use crate::shown::{flows, show, time_ns};

/// Nothing takes that long; a test that waits longer has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Metadata index of the endpoint that each node has.
pub(crate) const ENDPOINT: u32 = 16;
/// The rule that each node has.
pub(crate) const RULE: u32 = 9;

/// One node: the pipeline and the services of an observer.
pub(crate) struct TestNode {
    pub(crate) name: String,
    pub(crate) node: Arc<Node>,
    pub(crate) inlet: Option<Inlet>,
    pub(crate) port: u16,
    tasks: Tasks,
}

impl TestNode {
    /// A node `default/<name>` with room for `flows`.
    pub(crate) async fn start(name: &str, flows: u64) -> Self {
        Self::start_at(name, flows, 0, 0).await
    }

    /// The same with a clock that is set off, at a given port.
    pub(crate) async fn start_at(name: &str, flows: u64, offset_ns: i64, port: u16) -> Self {
        let tasks = Tasks::new();
        let (pipeline, inlet) = Pipeline::start_with_clock_offset(flows, offset_ns, &tasks);
        let node = Arc::new(Node::new(format!("default/{name}"), &pipeline, None));
        describe(&node, name);
        let listen: Listen = format!("127.0.0.1:{port}").parse().unwrap();
        let bound = listen.bind(Exposure::LoopbackOnly).await.unwrap();
        let port = bound.tcp_address().unwrap().port();
        let drain = Drain::new(tasks.cancellation());
        let health = Health::starting().await;
        let server = Server::new(&node, &health, &drain, &tasks).unwrap();
        let _address = server.serve(bound, &tasks);
        health.serving().await;
        let ending = drain.clone();
        tasks.spawn("drain", async move {
            ending.finish(Duration::from_millis(100)).await;
        });
        Self {
            name: name.to_owned(),
            node,
            inlet: Some(inlet),
            port,
            tasks,
        }
    }

    pub(crate) fn address(&self) -> NamedAddress {
        format!("127.0.0.1:{}", self.port).parse().unwrap()
    }

    /// Takes in a flow of this source port and monotonic time.
    pub(crate) fn push(&mut self, port: u16, time_ns: u64) {
        self.accept(&record(port, time_ns));
    }

    /// Takes in a record.
    pub(crate) fn accept(&mut self, record: &Record) {
        let inlet = self.inlet.as_mut().expect("the node lives");
        inlet.accept(record.as_bytes());
    }

    /// Says that nothing older will come, and waits until everything is stored.
    pub(crate) async fn settle(&mut self, watermark_ns: u64) {
        self.settle_by(|| watermark_ns).await;
    }

    /// The same as a drain does that looks again and again. Once is not enough: the clock may have been read anew since
    /// the last flow came, and that flow be younger than now.
    pub(crate) async fn settle_now(&mut self) {
        self.settle_by(monotonic_ns).await;
    }

    async fn settle_by(&mut self, watermark_ns: impl Fn() -> u64) {
        let node = Arc::clone(&self.node);
        let inlet = self.inlet.as_mut().expect("the node lives");
        wait_until(|| {
            inlet.watermark(watermark_ns());
            let counts = node.counts.reading();
            counts.queued == counts.stored
        })
        .await;
    }

    /// Takes in a flow of now, as a drain does that has just looked.
    pub(crate) fn live(&mut self, port: u16) {
        let now_ns = monotonic_ns();
        self.push(port, now_ns);
        self.beat();
    }

    /// Nothing has come, says the drain.
    pub(crate) fn beat(&mut self) {
        let inlet = self.inlet.as_mut().expect("the node lives");
        inlet.watermark(monotonic_ns());
    }

    /// Plans these inputs without a kernel part.
    pub(crate) async fn plan(&self, config: &observer::Config) {
        let planned = observer::plan_only(config, &self.node, &self.tasks);
        planned.await.unwrap();
    }

    /// Ends the node as a kill would: connections break.
    pub(crate) async fn end(mut self) -> u16 {
        self.inlet = None;
        self.tasks.shutdown(LONG).await.unwrap();
        self.port
    }
}

/// Stores flows of these source ports at the nodes that own them, in the order of the ports and ending now. They are a
/// millisecond apart: each node reads the clock for itself, and is interrupted now and then while it does.
pub(crate) async fn store(
    nodes: &mut [TestNode],
    ports: RangeInclusive<u16>,
    owner: impl Fn(u16) -> usize,
) {
    let now_ns = monotonic_ns();
    let last = *ports.end();
    for port in ports {
        nodes[owner(port)].push(port, now_ns - u64::from(last - port) * 1_000_000);
    }
    for node in nodes {
        node.settle_now().await;
    }
}

fn describe(node: &Node, name: &str) {
    let content = MetadataContent {
        endpoint_id: 7,
        identity: 300,
        labels: LabelSet::parse([format!("k8s:node={name}"), "k8s:role=frontend".to_owned()])
            .unwrap(),
        namespace: "shop".into(),
        pod_name: format!("pod-of-{name}"),
        cluster_name: "default".into(),
        ..MetadataContent::default()
    };
    let metadata = &node.names.metadata;
    metadata
        .set(ENDPOINT, "endpoint/shop/x", content, 5)
        .unwrap();
    let rule = RuleInfo {
        policies: vec![PolicyRef {
            kind: "NetworkPolicy".into(),
            namespace: "shop".into(),
            name: format!("policy-of-{name}"),
            labels: Vec::new(),
        }],
        index: Some(2),
        direction: DIRECTION_INGRESS,
        description: format!("NetworkPolicy/shop/policy-of-{name} ingress[2]"),
        ..RuleInfo::default()
    };
    node.names.rules.set(RULE, rule).unwrap();
    node.names
        .interfaces
        .replace([(3, format!("veth-of-{name}"))]);
}

/// Waits for something that comes by itself.
pub(crate) async fn wait_until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LONG, waiting)
        .await
        .expect("it becomes so");
}

/// A relay, and a client of it.
pub(crate) struct TestRelay {
    pub(crate) port: u16,
    pub(crate) page: SocketAddr,
    pub(crate) channel: Channel,
    tasks: Tasks,
}

impl TestRelay {
    /// A relay in front of these nodes; all of them are connected.
    pub(crate) async fn start(nodes: &[TestNode]) -> Self {
        let peers = nodes.iter().map(TestNode::address).collect();
        Self::over(peers, nodes.len()).await
    }

    /// A relay in front of these peers; so many of them are connected.
    pub(crate) async fn over(peers: Vec<NamedAddress>, connected: usize) -> Self {
        let relay = Self::with(Config {
            peers,
            ..Config::default()
        })
        .await;
        relay.connected(connected).await;
        relay
    }

    pub(crate) async fn with(mut config: Config) -> Self {
        config.listen = vec!["127.0.0.1:0".parse().unwrap()];
        config.page.listen = PageListen::At(config.listen.clone());
        let tasks = Tasks::new();
        let bound = relay::bind(&config).await.unwrap();
        let port = bound.api[0].tcp_address().unwrap().port();
        let page = bound.page[0].tcp_address().unwrap();
        tasks.spawn("relay", relay::serve(config, bound, tasks.clone()));
        Self {
            port,
            page,
            channel: channel(port).await,
            tasks,
        }
    }

    pub(crate) fn client(&self) -> ObserverClient<Channel> {
        ObserverClient::new(self.channel.clone())
    }

    /// Waits until so many nodes are connected.
    pub(crate) async fn connected(&self, nodes: usize) {
        let waiting = async {
            loop {
                let status = self
                    .client()
                    .server_status(proto::observer::ServerStatusRequest {})
                    .await;
                if status.unwrap().into_inner().num_connected_nodes == Some(nodes as u32) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, waiting)
            .await
            .expect("they connect");
    }

    /// Every answer to a request that ends by itself.
    pub(crate) async fn answers(&self, request: GetFlowsRequest) -> Vec<GetFlowsResponse> {
        answers(&self.channel, request).await.unwrap()
    }

    /// A stream that is read bit by bit.
    pub(crate) async fn stream(&self, request: GetFlowsRequest) -> Reader {
        let stream = self.client().get_flows(request).await.unwrap();
        Reader(stream.into_inner())
    }

    pub(crate) async fn end(self) {
        self.tasks.shutdown(LONG).await.unwrap();
    }
}

pub(crate) async fn channel(port: u16) -> Channel {
    let target = Target::Tcp {
        host: "127.0.0.1".to_owned(),
        port,
    };
    connect(&target, &ClientSecurity::Plaintext, Windows::BULK)
        .await
        .unwrap()
}

pub(crate) async fn answers(
    channel: &Channel,
    request: GetFlowsRequest,
) -> Result<Vec<GetFlowsResponse>, Status> {
    let mut stream = ObserverClient::new(channel.clone())
        .get_flows(request)
        .await?
        .into_inner();
    let all = async {
        let mut answers = Vec::new();
        while let Some(answer) = stream.message().await? {
            answers.push(answer);
        }
        Ok(answers)
    };
    tokio::time::timeout(LONG, all).await.expect("it ends")
}

/// A stream that follows.
pub(crate) struct Reader(Streaming<GetFlowsResponse>);

impl Reader {
    pub(crate) async fn next(&mut self) -> Option<GetFlowsResponse> {
        let next = tokio::time::timeout(LONG, self.0.message());
        next.await.expect("something comes").unwrap()
    }

    /// The next answer that is no news of nodes, in short.
    pub(crate) async fn flow(&mut self) -> String {
        loop {
            let answer = self.next().await.expect("it goes on");
            if !matches!(answer.response_types, Some(ResponseTypes::NodeStatus(_))) {
                return show(&answer);
            }
        }
    }

    /// The next news of nodes, in short; flows before it are an error.
    pub(crate) async fn status(&mut self) -> String {
        show(&self.next().await.expect("it goes on"))
    }
}

/// Everything that is stored.
pub(crate) fn all() -> GetFlowsRequest {
    GetFlowsRequest::default()
}

/// What comes from now on.
pub(crate) fn follow() -> GetFlowsRequest {
    GetFlowsRequest {
        follow: true,
        ..GetFlowsRequest::default()
    }
}

/// A peer at an address that a user names.
pub(crate) fn named(name: &str, port: u16) -> NamedAddress {
    let address: Address = format!("127.0.0.1:{port}").parse().unwrap();
    NamedAddress {
        name: Some(name.to_owned()),
        address,
    }
}
