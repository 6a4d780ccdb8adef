//! The rows by name; of them, here, bytes for a tab and what counting costs the relay.

use std::time::{Duration, Instant};

use daemon::connect::{ClientSecurity, Target, Windows, connect};
use daemon::tasks::Tasks;
use proto::tycho::v1::dashboard_client::DashboardClient;
use proto::tycho::v1::watch_event::Event;
use proto::tycho::v1::{WatchEvent, WatchRequest};
use tests::crowd::{Crowd, Shape};
use tonic::Streaming;

use super::browser;
use super::relay_process::RelayProcess;
use super::{NODES, print, runtime};

/// Rows by name.
pub(crate) const ROWS: [(&str, fn()); 10] = [
    ("page-bytes", bytes_of_a_tab),
    ("page-count", counting),
    ("page-first-picture", browser::first_picture),
    ("page-first-bytes", browser::first_bytes),
    ("page-longest-task", browser::longest_task),
    ("page-canvas-frames-2000", browser::canvas_frames),
    ("page-canvas-frames-10000", browser::canvas_frames_large),
    ("page-frames-2000", browser::frames),
    ("page-frames-10000", browser::frames_large),
    ("page-drop-visible", browser::drop_visible),
];

/// gRPC's frame before each message.
const FRAME_BYTES: usize = 5;

const WARM: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(20);

/// Bytes a second at 2,000 edges and 50,000 flows a second, without single flows.
fn bytes_of_a_tab() {
    let measured = measure(200, 2_000, 25_000);
    print("page-bytes", measured.bytes_per_second / 1e3, "kB/s");
}

/// The relay's processor time for each flow that it counts, and its memory, at 10,000 edges.
fn counting() {
    let measured = measure(1_000, 10_000, 25_000);
    let flows_per_second = 2.0 * 25_000.0;
    let per_flow_us = measured.cpu_per_second * 1e6 / flows_per_second;
    print("page-count", per_flow_us, "us");
    print("page-count/bytes", measured.bytes_per_second / 1e3, "kB/s");
    print(
        "page-count/memory",
        measured.resident as f64 / 1_048_576.0,
        "MiB",
    );
}

struct Measured {
    bytes_per_second: f64,
    cpu_per_second: f64,
    resident: u64,
}

fn measure(identities: u32, edges: usize, connections: u32) -> Measured {
    let shape = Shape {
        nodes: NODES,
        identities,
        edges,
    };
    runtime().block_on(async {
        let tasks = Tasks::new();
        let crowd = Crowd::start(shape, &tasks).await;
        let relay = RelayProcess::start(&crowd.addresses(), "0");
        let traffic = crowd.talk(connections);
        let target = Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port: relay.api,
        };
        let channel = connect(&target, &ClientSecurity::Plaintext, Windows::BULK)
            .await
            .expect("the relay serves");
        let mut stream = DashboardClient::new(channel)
            .watch(WatchRequest::default())
            .await
            .expect("it is served")
            .into_inner();
        read(&mut stream, WARM).await;
        let cpu = relay.processor_time();
        let begun = Instant::now();
        let bytes = read(&mut stream, MEASURED).await;
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = relay.processor_time() - cpu;
        let resident = relay.resident_bytes();
        traffic.end();
        drop((stream, relay));
        tasks.shutdown(Duration::from_secs(5)).await.ok();
        Measured {
            bytes_per_second: bytes as f64 / seconds,
            cpu_per_second: cpu.as_secs_f64() / seconds,
            resident,
        }
    })
}

/// Reads for a while; gives the bytes.
async fn read(stream: &mut Streaming<WatchEvent>, span: Duration) -> usize {
    use prost::Message as _;
    let mut bytes = 0;
    let until = Instant::now() + span;
    while Instant::now() < until {
        let event = stream
            .message()
            .await
            .expect("it goes on")
            .expect("it goes on");
        bytes += event.encoded_len() + FRAME_BYTES;
        if let Some(Event::Window(window)) = &event.event {
            assert!(
                window.lost == 0,
                "a node has lost flows: the figures are of less traffic"
            );
        }
    }
    bytes
}
