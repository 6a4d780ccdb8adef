//! Another program on the same interface, attached behind ours, sees what passes and only that.

use bpf_events::counters::{TOTAL_EGRESS, TOTAL_FORWARDED, TOTAL_NO_ENDPOINT};
use bpf_loader::{Datapath, RunTimeSettings, Settings};
use tests::attempt::{Attempt, Protocol};
use tests::datapath::TestNode;

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: friend}}]
  egress: [{}]
"#;

#[test]
fn a_program_behind_ours_runs_for_what_passes() {
    let mut node = TestNode::new("chn", &[("friend", "friend"), ("enemy", "enemy")]);
    // A second datapath that knows no endpoint counts every packet that it sees, and passes it.
    let mut other =
        Datapath::load(&Settings::default(), &RunTimeSettings::default()).expect("it loads");
    let interface = node.join("server");
    let namespace = node.node.namespace().path();
    other
        .attach(Some(&namespace), &interface)
        .expect("attached");
    // Ours comes later and goes to the head of the chain all the same.
    node.enrol("server", "server", 2);
    node.enforce(POLICY);
    let _servers = ["friend", "server"].map(|name| node.serve(name, 8080));
    let seen = |other: &Datapath| {
        let total = |code| other.counters.total(code).packets;
        (
            total(TOTAL_NO_ENDPOINT),
            total(TOTAL_NO_ENDPOINT + TOTAL_EGRESS),
        )
    };
    for (from, to, ipv6, allowed) in [
        ("friend", "server", false, true),
        ("friend", "server", true, true),
        ("enemy", "server", false, false),
        ("enemy", "server", true, false),
        ("server", "friend", false, false),
        ("server", "friend", true, false),
    ] {
        let before = (node.account(), seen(&other));
        let attempt = Attempt {
            from,
            to,
            protocol: Protocol::Udp,
            ipv6,
            source_port: 47_000,
            port: 8080,
        };
        assert_eq!(node.is_answered(&attempt), allowed, "{attempt:?}");
        let account = node.account().since(&before.0);
        let now = seen(&other);
        let (to_server, from_server) = (now.0 - before.1.0, now.1 - before.1.1);
        // Whatever else is resolved meanwhile (ARP, neighbours) always passes and is seen behind ours too.
        let resolved = bpf_events::counters::TOTAL_ALWAYS_PASSED;
        if allowed {
            let passed = account.ingress(TOTAL_FORWARDED).packets / 2;
            assert_eq!(passed, 1, "the request; the reply goes to the friend");
            assert!(
                (1..=1 + account.ingress(resolved).packets).contains(&to_server),
                "{to_server}"
            );
            assert!(
                (1..=1 + account.egress(resolved).packets).contains(&from_server),
                "{from_server}"
            );
        } else {
            assert!(account.both(133).packets >= 1);
            assert!(
                to_server <= account.ingress(resolved).packets,
                "{attempt:?}: {to_server}"
            );
            assert!(
                from_server <= account.egress(resolved).packets,
                "{attempt:?}: {from_server}"
            );
        }
    }
}
