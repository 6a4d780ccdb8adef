//! The process dies: enforcement goes on by what is pinned, and the next process takes over without a gap.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bpf_events::counters::{Counter, TOTAL_FORWARDED};
use bpf_events::record::{KIND_POLICY_VERDICT, REASON_POLICY_DENIED, VERDICT_DROPPED};
use bpf_loader::{Datapath, Pins, RunTimeSettings, Settings};
use lab::Namespace;
use lab::topology::default_host_interface;
use lab::traffic::{
    NoAnswer, ServerMode, TcpServer, TcpTarget, UdpFlood, UdpServer, tcp_connect, udp_flood,
};
use tests::datapath::TestNode;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: friend}}]
  - icmps: [{fields: [{family: IPv4, type: 8}]}]
"#;
const ENDPOINTS: [(&str, &str); 3] = [
    ("friend", "friend"),
    ("enemy", "enemy"),
    ("server", "server"),
];
const PREFIX: &str = "pin";
const SERVER: &str = "10.44.0.12:8080";
/// Tells the process that is to be killed from the one that kills it.
const VICTIM: &str = "TYCHO_TEST_PINS";

#[test]
fn enforcement_outlives_the_process_and_the_next_takes_over() {
    if let Some(pins) = std::env::var_os(VICTIM) {
        live_until_killed(pins.into());
    }
    let guard = Cleanup(PathBuf::from(format!(
        "/sys/fs/bpf/tycho-test-{}",
        std::process::id()
    )));
    let mut victim = Victim::start(&guard.0);
    let server: SocketAddr = SERVER.parse().expect("an address");
    let tcp =
        TcpServer::start(&namespace("server"), server, ServerMode::Echo).expect("the port is free");
    let udp =
        UdpServer::start(&namespace("server"), server, ServerMode::Sink).expect("the port is free");
    let target = TcpTarget::new(server, Duration::from_secs(1));
    let connect = |name: &str| tcp_connect(&namespace(name), &target).expect("sockets work");
    let mut connection = connect("friend").expect("a friend is allowed");
    connection
        .request(100)
        .expect("sockets work")
        .expect("echoed");
    assert_eq!(
        connect("enemy").expect_err("an enemy is denied"),
        NoAnswer::TimedOut
    );

    let over = AtomicBool::new(false);
    let (sent, mut next) = std::thread::scope(|scope| {
        // Denied datagrams before, while and after nobody is there, and across the takeover.
        let flood = scope.spawn(|| {
            let flood = UdpFlood::new(server, 10_000, 32);
            let mut sent = 0;
            while !over.load(Ordering::Relaxed) {
                sent += udp_flood(&namespace("enemy"), &flood)
                    .expect("sockets work")
                    .sent;
            }
            sent
        });
        let _stop = StopAtEnd(&over);
        victim.kill();
        connection
            .request(100)
            .expect("sockets work")
            .expect("the connection goes on");
        assert_eq!(
            connect("enemy").expect_err("still denied"),
            NoAnswer::TimedOut
        );
        let next = adopt(&guard.0);
        std::thread::sleep(Duration::from_millis(100));
        over.store(true, Ordering::Relaxed);
        (flood.join().expect("no panic"), next)
    });
    connection
        .request(100)
        .expect("sockets work")
        .expect("the connection goes on");
    assert_eq!(udp.counters().received, 0, "a denied datagram got through");
    assert_eq!(tcp.counters().accepted, 1);
    check_counts(&next, sent);

    // The next process's programs are those that run: its ring tells of a new connection.
    let mut ring = next.take_ring().expect("the first to take it");
    ring.drain(usize::MAX, |_| {});
    connect("friend").expect("a friend is allowed");
    let mut verdicts = 0;
    ring.drain(usize::MAX, |bytes| {
        let record = flow::record::decode(bytes).expect("a valid record");
        verdicts +=
            usize::from(record.kind == KIND_POLICY_VERDICT && record.verdict != VERDICT_DROPPED);
    });
    assert_eq!(verdicts, 2);

    Pins::at(&guard.0).remove().expect("removed");
    drop(next);
    drop(ring);
    // The kernel lets go of a link a moment after its last holder.
    let free = (0..5).any(|_| connect("enemy").is_ok());
    assert!(free, "nothing is attached any more");
}

/// The next process: finds everything as the last one left it, and takes its links over.
fn adopt(pins: &Path) -> Datapath {
    let settings = Settings {
        pins: Some(pins.to_owned()),
        ..Settings::default()
    };
    let mut next = Datapath::load(&settings, &RunTimeSettings::default()).expect("it loads");
    assert!(next.adopted());
    let rows: Vec<_> = next
        .endpoints
        .live()
        .map(|(ifindex, row)| (ifindex, row.endpoint))
        .collect();
    assert_eq!(
        rows.iter()
            .map(|(_, endpoint)| *endpoint)
            .collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let mut sets: Vec<u32> = next.policy_sets.live().collect();
    sets.sort_unstable();
    assert_eq!(sets, [1, 2, 3]);
    assert_eq!(
        next.addresses.all().expect("readable").len(),
        4 + 2 * ENDPOINTS.len()
    );
    let mut connections = 0;
    next.connections
        .for_each(|_, _| connections += 1)
        .expect("readable");
    assert!(connections >= 2, "both ends of the live connection");
    let attached = next.attached().expect("readable");
    assert_eq!(attached, rows.iter().map(|(ifindex, _)| *ifindex).collect());
    let node = namespace("node");
    for (name, _) in ENDPOINTS {
        let interface = default_host_interface(&format!("{PREFIX}-{name}"));
        next.attach(Some(&node.path()), &interface)
            .expect("taken over");
    }
    assert_eq!(
        next.attached().expect("readable"),
        attached,
        "the same links"
    );
    next
}

/// Counters went on: all datagrams that reached the enemy's hook are counted there, and dropped at the server's.
fn check_counts(next: &Datapath, sent: u64) {
    let node = namespace("node");
    let interface = default_host_interface(&format!("{PREFIX}-enemy"));
    let arrived = lab::interface_counters(&node, &interface)
        .expect("it is there")
        .rx_packets;
    assert!(arrived > sent / 2, "{arrived} of {sent}");
    let edges = next.edges.all().expect("readable");
    let enemy = edges
        .iter()
        .filter(|(key, ..)| key.source_identity == 257 && key.protocol == 17);
    let mut counted = [0, 0];
    for (key, cell) in enemy {
        counted[usize::from(key.verdict == VERDICT_DROPPED)] += cell.forward_packets;
    }
    assert_eq!(
        counted[0], counted[1],
        "forwarded by the enemy's hook, dropped by the server's"
    );
    let refused = lab::interface_counters(&namespace("enemy"), "eth0")
        .expect("it is there")
        .tx_dropped;
    assert_eq!(counted[0] + refused, sent, "every datagram");
    assert!(
        next.counters.total(REASON_POLICY_DENIED.into()).packets > counted[1],
        "and the enemy's SYNs"
    );
    assert!(next.counters.total(TOTAL_FORWARDED).packets > 0);
    assert_eq!(next.counters.sum(Counter::Impossible), 0);
}

fn namespace(name: &str) -> Namespace {
    Namespace::open(&format!("{PREFIX}-{name}")).expect("the victim has made it")
}

/// What the process that is to be killed does: everything an observer would have done until then.
fn live_until_killed(pins: PathBuf) -> ! {
    let settings = Settings {
        pins: Some(pins),
        ..Settings::default()
    };
    let mut node = TestNode::with(PREFIX, &ENDPOINTS, &settings, &RunTimeSettings::default());
    node.node.keep();
    node.enforce(POLICY);
    // A line of its own, past whatever the test runner has written.
    std::fs::write("/proc/self/fd/1", "\nready\n").expect("the parent listens");
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

/// Ends the flood however its scope is left.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Victim(Child);

impl Victim {
    fn start(pins: &Path) -> Self {
        let test = "pins::enforcement_outlives_the_process_and_the_next_takes_over";
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(VICTIM, pins)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let ready = output
            .lines()
            .any(|line| line.is_ok_and(|line| line == "ready"));
        let victim = Self(child);
        assert!(ready, "the victim ended early");
        victim
    }

    fn kill(&mut self) {
        self.0.kill().expect("it lives");
        let status = self.0.wait().expect("it can be waited for");
        assert_eq!(status.signal(), Some(9));
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Killed already unless the test failed before.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Removes pins and namespaces however the test ends.
struct Cleanup(PathBuf);

impl Drop for Cleanup {
    fn drop(&mut self) {
        drop(Pins::at(&self.0).remove());
        drop(lab::sweep(&format!("{PREFIX}-")));
    }
}
