//! A flood that the reader cannot keep up with: the ledger accounts for every event, and losses are told in the stream.

use lab::traffic::{ServerMode, UdpFlood, UdpServer, udp_flood};
use tests::agent::{Agent, Status, number};
use tests::site::Site;

/// Packets of each sender, one on each CPU.
const PACKETS: u64 = 120_000;

#[test]
fn the_ledger_closes_on_a_flood_with_losses() {
    let site = Site::new(
        "obs",
        &[("one-1", "one"), ("two-1", "two"), ("sink-1", "sink")],
    );
    let arguments = "--aggregation none --ring 64KiB --drain-delay 5ms";
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let agent = Agent::start(&site, &arguments);
    let at = site.at("sink-1", false, 9000);
    let sink = UdpServer::start(site.namespace("sink-1"), at, ServerMode::Sink);
    let _sink = sink.expect("the port is free");

    let (status_before, interfaces_before) = at_rest(&site, &agent);
    std::thread::scope(|scope| {
        for (cpu, name) in ["one-1", "two-1"].into_iter().enumerate() {
            let site = &site;
            scope.spawn(move || {
                let cpus = std::thread::available_parallelism().expect("CPUs can be counted");
                let flood = UdpFlood {
                    cpu: Some(cpu % cpus),
                    ..UdpFlood::new(at, PACKETS, 32)
                };
                let report = udp_flood(site.namespace(name), &flood).expect("sockets work");
                assert_eq!(report.sent, PACKETS);
            });
        }
    });
    let (status, interfaces) = at_rest(&site, &agent);

    let since = |name: &str| status.stage(name) - status_before.stage(name);
    assert!(
        since("attempted") >= 4 * PACKETS,
        "each packet at two hooks"
    );
    assert_eq!(
        since("attempted"),
        since("emitted") + since("lost: kernel ring")
    );
    assert!(
        since("lost: kernel ring") > since("attempted") / 10,
        "{status:?}"
    );
    assert_eq!(since("emitted"), since("read"));
    assert_eq!(
        since("read"),
        since("stored") + since("lost: observer queue") + since("lost: malformed")
    );
    assert_eq!(since("lost: malformed"), 0);
    let told = status.counters(|name| name.starts_with("events: "));
    assert_eq!(told, status.stage("emitted"));

    let packets = |status: &Status, hook: &str| status.counters(|name| name.starts_with(hook));
    for (hook, passed) in [
        ("egress ", interfaces.0 - interfaces_before.0),
        ("ingress ", interfaces.1 - interfaces_before.1),
    ] {
        assert_eq!(
            packets(&status, hook) - packets(&status_before, hook),
            passed,
            "{hook}"
        );
    }

    // No flow is of layer 7, and losses pass every filter.
    let events = agent.observe(&["--all", "--type", "l7"]);
    let lost = events.iter().map(|event| {
        let lost = &event["lost_events"];
        assert_eq!(lost["source"], "PERF_EVENT_RING_BUFFER", "{event}");
        number(&lost["num_events_lost"])
    });
    assert_eq!(lost.sum::<u64>(), status.stage("lost: kernel ring"));
    assert_eq!(events.len() as u64, status.stage("loss events"));
}

/// The status, and what all workloads have sent and were sent by their interfaces, when none changes any more.
fn at_rest(site: &Site, agent: &Agent) -> (Status, (u64, u64)) {
    loop {
        let before = interfaces(site);
        let status = agent.status_at_rest();
        if interfaces(site) == before {
            return (status, before);
        }
    }
}

fn interfaces(site: &Site) -> (u64, u64) {
    let mut sum = (0, 0);
    for endpoint in site.node.endpoints() {
        let counters = site.node.host_counters(endpoint).expect("it is there");
        sum.0 += counters.rx_packets;
        sum.1 += counters.tx_packets + counters.tx_dropped;
    }
    sum
}
