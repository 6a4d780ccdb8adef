//! Smoke.
#![expect(clippy::print_stdout, reason = "for now")]
use std::time::Duration;
use lab::traffic::*;
use tests::datapath::TestNode;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"#;

#[test]
fn smoke() {
    let mut node = TestNode::new("tst", &[("client", "frontend"), ("server", "backend"), ("evil", "intruder")]);
    node.enforce(POLICY);
    for v6 in [false, true] {
        let server = std::net::SocketAddr::new(node.address("server", v6), 8080);
        let s = TcpServer::start(node.namespace("server"), server, ServerMode::Echo).unwrap();
        for who in ["client", "evil"] {
            let r = tcp_exchange(node.namespace(who), &TcpTarget::new(server, Duration::from_millis(400)), 3, 100);
            println!("{who}: {r:?}");
        }
        s.stop();
    }
    let records = node.records();
    for r in &records {
        println!("{} kind {} verdict {} reason {} {} -> {} ids {}->{} ports {}->{} flags {:02x} dir {} reply {} rule {} match {} point {} pk {} by {} seq {} marks {:x}", r.time_ns, r.kind, r.verdict, r.reason,
          r.source_address[15], r.destination_address[15], r.source_identity, r.destination_identity, r.source_port, r.destination_port, r.tcp_flags, r.direction, r.reply, r.rule, r.match_type, r.observation_point, r.packets, r.bytes, r.sequence, r.marks);
    }
    for (c, t) in node.datapath.counters.totals() { println!("total {c} {t:?}"); }
}
