//! A node behind a Unix socket, and records for it.

use std::sync::Arc;
use std::time::Duration;

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_TRACE, POINT_TO_ENDPOINT, RECORD_VERSION, REPLY_NO, Record, TRACE_NEW,
    VERDICT_FORWARDED,
};
use daemon::drain::Drain;
use daemon::health::Health;
use daemon::listen::{Exposure, Listen};
use daemon::tasks::Tasks;
use flow::metadata::MetadataContent;
use observer::Node;
use observer::pipeline::{Inlet, Pipeline, monotonic_ns};
use observer::service::Server;
use policy::LabelSet;
use proto::observer::get_flows_response::ResponseTypes;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetFlowsRequest, GetFlowsResponse};
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use zerocopy::{FromZeros, IntoBytes};

/// Nothing takes that long; a test that waits longer has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) const NODE: &str = "default/node-a";

/// Metadata index of the shop's frontend.
pub(crate) const FRONTEND: u32 = 16;

/// Everything that a test speaks to.
pub(crate) struct Fixture {
    pub(crate) inlet: Option<Inlet>,
    pub(crate) node: Arc<Node>,
    pub(crate) health: Health,
    pub(crate) tasks: Tasks,
    pub(crate) channel: Channel,
    drain: Drain,
    /// Monotonic time of the newest flow.
    newest_ns: u64,
    _directory: TempDir,
}

impl Fixture {
    /// A node with room for `flows`.
    pub(crate) async fn new(flows: u64) -> Self {
        let tasks = Tasks::new();
        let (pipeline, inlet) = Pipeline::start(flows, &tasks);
        let node = Arc::new(Node::new(NODE.to_owned(), &pipeline, None));
        let frontend = MetadataContent {
            endpoint_id: 7,
            identity: 300,
            labels: LabelSet::parse(["k8s:role=frontend"]).unwrap(),
            namespace: "shop".into(),
            pod_name: "frontend-1".into(),
            cluster_name: "default".into(),
            ..MetadataContent::default()
        };
        let metadata = &node.names.metadata;
        metadata
            .set(FRONTEND, "endpoint/shop/frontend-1", frontend, 0)
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let listen = Listen::Unix(directory.path().join("observer.sock"));
        let bound = listen.bind(Exposure::LoopbackOnly).await.unwrap();
        let drain = Drain::new(tasks.cancellation());
        let health = Health::starting().await;
        let server = Server::new(&node, &health, &drain, &tasks).unwrap();
        let (address, _served) = server.serve(bound, &tasks);
        health.serving().await;
        let endpoint = Endpoint::from_shared(address.to_string()).unwrap();
        Self {
            inlet: Some(inlet),
            node,
            health,
            channel: endpoint.connect().await.unwrap(),
            tasks,
            drain,
            newest_ns: 0,
            _directory: directory,
        }
    }

    pub(crate) fn client(&self) -> ObserverClient<Channel> {
        ObserverClient::new(self.channel.clone())
    }

    pub(crate) fn inlet(&mut self) -> &mut Inlet {
        self.inlet.as_mut().expect("the fixture has not ended")
    }

    /// Stores a flow per port, a millisecond apart, and waits for them.
    pub(crate) async fn feed(&mut self, ports: impl IntoIterator<Item = u16>) {
        for port in ports {
            self.newest_ns = monotonic_ns().max(self.newest_ns) + 1_000_000;
            let record = record(port, self.newest_ns);
            self.inlet().accept(record.as_bytes());
        }
        self.settle().await;
    }

    /// Waits until everything that entered is stored.
    pub(crate) async fn settle(&mut self) {
        self.inlet().watermark(u64::MAX);
        let settled = async {
            while {
                let counts = self.node.counts.reading();
                counts.queued != counts.stored
            } {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LONG, settled).await.unwrap();
    }

    /// Every answer to a request that ends by itself.
    pub(crate) async fn answers(
        &self,
        request: GetFlowsRequest,
    ) -> Result<Vec<GetFlowsResponse>, Status> {
        let mut stream = self.client().get_flows(request).await?.into_inner();
        let all = async {
            let mut answers = Vec::new();
            while let Some(answer) = stream.next().await {
                answers.push(answer?);
            }
            Ok(answers)
        };
        tokio::time::timeout(LONG, all).await.expect("it ends")
    }

    /// The same in short.
    pub(crate) async fn shown(&self, request: GetFlowsRequest) -> Vec<String> {
        let answers = self.answers(request).await.unwrap();
        answers.iter().map(show).collect()
    }

    /// Ends as a signal would.
    pub(crate) async fn end(&mut self) {
        self.inlet = None;
        self.tasks.cancellation().cancel();
        self.drain.finish(LONG).await;
    }
}

/// A flow from the frontend, told by its source port.
pub(crate) fn record(port: u16, time_ns: u64) -> Record {
    Record {
        version: RECORD_VERSION,
        kind: KIND_TRACE,
        verdict: VERDICT_FORWARDED,
        direction: DIRECTION_INGRESS,
        observation_point: POINT_TO_ENDPOINT,
        trace_reason: TRACE_NEW,
        reply: REPLY_NO,
        protocol: 6,
        packets: 1,
        bytes: 60,
        source_identity: 300,
        source_metadata: FRONTEND,
        destination_identity: 2,
        destination_metadata: 2,
        source_port: port,
        destination_port: 80 + port % 2,
        time_ns,
        ..Record::new_zeroed()
    }
}

/// The source port of a flow, or how many events a loss is of.
pub(crate) fn show(answer: &GetFlowsResponse) -> String {
    use proto::flow::layer4::Protocol::Tcp;
    match &answer.response_types {
        Some(ResponseTypes::Flow(flow)) => {
            match flow.l4.as_ref().and_then(|l4| l4.protocol.as_ref()) {
                Some(Tcp(tcp)) => tcp.source_port.to_string(),
                _ => "flow".to_owned(),
            }
        }
        Some(ResponseTypes::LostEvents(lost)) => {
            format!("lost {} by {}", lost.num_events_lost, lost.source)
        }
        other => format!("{other:?}"),
    }
}
