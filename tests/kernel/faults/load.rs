//! Traffic between the endpoints of different nodes: datagrams to many ports, each a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lab::Namespace;
use lab::traffic::{UdpFlood, udp_flood};

use super::fleet::{Fleet, NODES, pod_port};

const FIRST_PORT: u16 = 10_000;
const PAYLOAD_BYTES: usize = 16;

/// Datagrams of one turn under load, per node, and the pause after each turn.
const TURN: u32 = 50;
const PAUSE: Duration = Duration::from_millis(50);

/// So many new connections from each node to the next.
pub(super) fn send(fleet: &Fleet, connections: u32) {
    for node in 0..NODES.len() {
        flood(fleet.pod(node), node, connections);
    }
}

fn flood(from: &Namespace, node: usize, connections: u32) {
    let to = pod_port((node + 1) % NODES.len(), FIRST_PORT);
    let flood = UdpFlood {
        destination_ports: connections,
        ..UdpFlood::new(to, connections.into(), PAYLOAD_BYTES)
    };
    let report = udp_flood(from, &flood).expect("sockets work");
    assert_eq!(report.sent, u64::from(connections));
}

/// Traffic that goes on until this is dropped.
pub(super) struct Load {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(super) fn start(fleet: &Fleet) -> Self {
        let pods: Vec<Namespace> = (0..NODES.len())
            .map(|node| fleet.pod(node).clone())
            .collect();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                for (node, pod) in pods.iter().enumerate() {
                    flood(pod, node, TURN);
                }
                thread::sleep(PAUSE);
            }
        });
        Self {
            stopping,
            thread: Some(thread),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
