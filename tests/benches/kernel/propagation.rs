//! How long it takes until an endpoint that one node is told of is known by address on two others: from the call to what
//! their IP caches say, with every write in between.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use daemon::listen::Listen;
use daemon::tasks::Tasks;
use observer::{Config, Mode, Pinning};
use proto::flow::AgentEventType;
use proto::flow::agent_event::Notification;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::{AddEndpointRequest, RemoveEndpointRequest};
use tests::etcd::Etcd;
use tests::fleet::Fleet;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::{Wanted, print};

pub(crate) const ROWS: &[&str] = &["propagation-file", "propagation-etcd"];

const ADDITIONS: usize = 200;
/// Each of so many additions brings a label set that no node has seen.
const NEW_LABELS_EACH: usize = 10;
const NODES: usize = 3;
/// The workload that is a new endpoint each time.
const MOVING: &str = "moving";
const LONG: Duration = Duration::from_secs(60);

pub(crate) fn measure(wanted: &Wanted) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for row in ROWS {
        if !wanted.row(row) {
            continue;
        }
        let mut fleet = Fleet::new(
            "bpr",
            &[&[("one", "web")], &[("two", "web")], &[("three", "db")]],
        );
        fleet.make_unlisted(0, MOVING, "");
        let etcd = row.ends_with("etcd").then(Etcd::start_here);
        let registry = etcd
            .as_ref()
            .map_or_else(|| fleet.file_registry(), Etcd::url);
        let mut times = runtime.block_on(additions(&fleet, &registry));
        times.sort_unstable();
        for (name, percent) in [("p50", 50), ("p99", 99)] {
            let place = (times.len() * percent).div_ceil(100) - 1;
            print(
                &format!("{row}/{name}"),
                times[place].as_secs_f64() * 1e3,
                "ms",
            );
        }
    }
}

/// The time of each addition, until the last of the other nodes knows it.
async fn additions(fleet: &Fleet, registry: &str) -> Vec<Duration> {
    let tasks = Tasks::new();
    let mut channels = Vec::new();
    for node in 0..NODES {
        channels.push(start(fleet, node, registry, &tasks).await);
    }
    let mut endpoints = EndpointsClient::new(channels[0].clone());
    let mut others = Vec::new();
    for channel in &channels[1..] {
        let mut client = ObserverClient::new(channel.clone());
        let request = GetAgentEventsRequest {
            follow: true,
            ..GetAgentEventsRequest::default()
        };
        let stream = client.get_agent_events(request).await.expect("it tells");
        others.push(stream.into_inner());
    }
    let netns = fleet.namespace(MOVING).name().to_owned();
    let mut times = Vec::new();
    for number in 0..ADDITIONS {
        let role = match number % NEW_LABELS_EACH {
            0 => format!("new-{number}"),
            _ => "web".to_owned(),
        };
        let ip = IpAddr::from([10, 61, 100, u8::try_from(number % 250).expect("small") + 1]);
        let definition = format!(
            "{{name: e{number}, namespace: shop, netns: {netns}, ips: [{ip}], labels: {{role: {role}}}}}"
        );
        let began = SystemTime::now();
        let request = AddEndpointRequest {
            endpoint: definition,
            ..AddEndpointRequest::default()
        };
        endpoints.add_endpoint(request).await.expect("it is added");
        let mut slowest = Duration::ZERO;
        for stream in &mut others {
            let known = wait(stream, ip, AgentEventType::IpcacheUpserted).await;
            slowest = slowest.max(known.duration_since(began).unwrap_or_default());
        }
        times.push(slowest);
        let name = format!("shop/e{number}");
        let request = RemoveEndpointRequest { name };
        endpoints
            .remove_endpoint(request)
            .await
            .expect("it is removed");
        for stream in &mut others {
            wait(stream, ip, AgentEventType::IpcacheDeleted).await;
        }
    }
    tasks.cancellation().cancel();
    tasks.shutdown(LONG).await.expect("they end");
    times
}

/// One observer in this process, with the real datapath.
async fn start(fleet: &Fleet, node: usize, registry: &str, tasks: &Tasks) -> Channel {
    let home = fleet.home(node);
    let socket = home.join("observer.sock");
    let namespace = fleet.cluster.node(node).expect("it is there").namespace();
    let config = Config {
        mode: Mode::Enforce,
        registry: Some(registry.parse().expect("a registry")),
        namespace: Some(namespace.path().to_owned()),
        listen: vec![Listen::Unix(socket.clone())],
        state: home.join("state"),
        pinning: Pinning::Off,
        ..Config::new(home.join("endpoints.yaml"))
    };
    tasks.spawn("observer", {
        let tasks = tasks.clone();
        async move { observer::run(config, tasks).await.expect("it runs") }
    });
    connect(&socket).await
}

async fn connect(socket: &Path) -> Channel {
    let address = format!("unix://{}", socket.display());
    let endpoint = Endpoint::from_shared(address).expect("an address");
    let serving = async {
        loop {
            match endpoint.connect().await {
                Ok(channel) => return channel,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(LONG, serving)
        .await
        .expect("it serves")
}

/// When the IP cache of a node changed in this way for an address.
async fn wait(
    stream: &mut Streaming<GetAgentEventsResponse>,
    ip: IpAddr,
    kind: AgentEventType,
) -> SystemTime {
    let cidr = format!("{ip}/32");
    loop {
        let next = tokio::time::timeout(LONG, stream.message()).await;
        let answer = next.expect("it comes").expect("it goes on");
        let answer = answer.expect("it goes on");
        let Some(event) = &answer.agent_event else {
            continue;
        };
        let is_it = matches!(&event.notification, Some(Notification::IpcacheUpdate(news)) if news.cidr == cidr);
        if is_it && event.r#type() == kind {
            let time = answer.time.expect("it has a time");
            return time.try_into().expect("it is after 1970");
        }
    }
}
