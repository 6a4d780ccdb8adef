//! What Cilium's policies mean beyond labels: networks, the world, names of ports, default deny, audit.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod cluster;

use cluster::Cluster;

/// A CiliumNetworkPolicy `p` for `app: web` of namespace `default`; `sections` is one line of YAML.
fn policy(sections: &str) -> String {
    named("p", "", sections)
}

/// One that only audits.
fn audited(name: &str, sections: &str) -> String {
    named(name, ", annotations: {tycho.io/audit: 'true'}", sections)
}

fn named(name: &str, metadata: &str, sections: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}{metadata}}}\nspec: \
         {{endpointSelector: {{matchLabels: {{app: web}}}}, {sections}}}\n"
    )
}

/// Each line of `expect` is `from -> to port/protocol` and what comes of it; `@` is the kind and namespace of the policies.
fn check(yaml: &str, expect: &str) {
    let cluster = Cluster::new(yaml);
    for line in expect.lines().map(str::trim) {
        let (talk, expect) = line.rsplit_once(": ").unwrap();
        let expect = expect.replace('@', "CiliumNetworkPolicy/default/");
        assert_eq!(cluster.talk(talk), expect, "{talk}\n{yaml}");
    }
}

#[test]
fn networks() {
    check(
        &policy(
            "egress: [{toCIDR: [20.1.1.1, 10.0.0.0/8, '2001:db8::/32'], toPorts: [{ports: [{port: '443'}]}]}]",
        ),
        "default/web -> 20.1.1.1 443/tcp: pass by @p egress[0]
         default/web -> 20.1.1.1 443/udp: pass by @p egress[0]
         default/web -> 20.1.1.1 80/tcp: drop at egress
         default/web -> 20.1.1.2 443/tcp: drop at egress
         default/web -> 10.200.0.1 443/tcp: pass by @p egress[0]
         default/web -> 2001:db8::7 443/tcp: pass by @p egress[0]
         default/web -> default/api 443/tcp: drop at egress
         default/web -> host 443/tcp: drop at egress
         default/web -> remote-node 443/tcp: drop at egress",
    );
    check(
        &policy(
            "ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.96.0.0/12]}, {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}]}], \
             ingressDeny: [{fromCIDR: [10.96.7.0/24, 10.7.0.0/16]}]",
        ),
        "10.0.0.1 -> default/web 80/tcp: pass by @p ingress[0]
         10.96.0.1 -> default/web 80/tcp: drop at ingress
         10.96.7.1 -> default/web 80/tcp: drop at ingress by @p ingressDeny[0]
         10.7.7.7 -> default/web 80/tcp: drop at ingress by @p ingressDeny[0]
         203.0.113.1 -> default/web 80/tcp: pass by @p ingress[0]
         2001:db8::1 -> default/web 80/tcp: drop at ingress",
    );
    check(
        &policy("ingress: [{fromCIDR: []}]"),
        "10.0.0.1 -> default/web 80/tcp: drop at ingress",
    );
}

#[test]
fn the_world_and_its_parts() {
    let cases = [
        ("fromEntities: [world]", [true, true, true]),
        ("fromEntities: [world-ipv4]", [true, true, false]),
        ("fromEntities: [world-ipv6]", [false, false, true]),
        (
            "fromEndpoints: [{matchLabels: {reserved:world: ''}}]",
            [true, true, true],
        ),
        ("fromCIDR: [0.0.0.0/0]", [true, true, false]),
        ("fromCIDR: ['::/0']", [false, false, true]),
        ("fromEntities: [cluster]", [false, false, false]),
        ("fromEntities: [all]", [true, true, true]),
    ];
    // Another policy that names networks must not change what the world is.
    for other in ["", "10.0.0.0/8", "0.0.0.0/0", "::/0"] {
        let other = match other {
            "" => String::new(),
            network => named("q", "", &format!("egress: [{{toCIDR: ['{network}']}}]")),
        };
        for (peers, expect) in cases {
            let cluster = Cluster::new(&(policy(&format!("ingress: [{{{peers}}}]")) + &other));
            for (from, expect) in ["203.0.113.1", "10.0.0.1", "2001:db8::1"]
                .iter()
                .zip(expect)
            {
                let found = cluster.talk(&format!("{from} -> default/web 80/tcp"));
                let expect = if expect {
                    "pass by CiliumNetworkPolicy/default/p ingress[0]"
                } else {
                    "drop at ingress"
                };
                assert_eq!(found, expect, "{peers} {from} {other}");
            }
        }
    }
}

#[test]
fn the_api_server_is_a_remote_node() {
    for (entity, expect) in [
        ("kube-apiserver", ["pass by @p egress[0]", "drop at egress"]),
        (
            "remote-node",
            ["pass by @p egress[0]", "pass by @p egress[0]"],
        ),
    ] {
        let [server, node] = expect;
        check(
            &policy(&format!("egress: [{{toEntities: [{entity}]}}]")),
            &format!(
                "default/web -> kube-apiserver 6443/tcp: {server}\ndefault/web -> remote-node 6443/tcp: {node}"
            ),
        );
    }
}

#[test]
fn ports_with_names() {
    check(
        &policy(
            "ingress: [{toPorts: [{ports: [{port: HTTP, protocol: TCP}, {port: '53', protocol: UDP}]}]}]",
        ),
        "default/api -> default/web 80/tcp: pass by @p ingress[0]
         default/api -> default/web 80/udp: drop at ingress
         default/api -> default/web 8080/tcp: drop at ingress
         default/api -> default/web 53/udp: pass by @p ingress[0]",
    );
    check(
        &policy("egressDeny: [{toEndpoints: [{matchLabels: {role: api}}], toPorts: [{ports: [{port: http}]}]}]")
            .replace("egressDeny", "enableDefaultDeny: {egress: false}, egressDeny"),
        "default/web -> default/api 8080/tcp: drop at egress by @p egressDeny[0]
         default/web -> default/api 8080/sctp: drop at egress by @p egressDeny[0]
         default/web -> default/api 80/tcp: pass",
    );
}

#[test]
fn icmp_types() {
    check(
        &policy(
            "ingress: [{icmps: [{fields: [{type: ExtendedEcho Request}, {type: '13'}, {type: RouterRenumbering, family: \
             IPv6}]}], fromEndpoints: [{}]}]",
        ),
        "default/api -> default/web 42/icmp: pass by @p ingress[0]
         default/api -> default/web 13/icmp: pass by @p ingress[0]
         default/api -> default/web 138/icmp6: pass by @p ingress[0]
         default/api -> default/web 138/icmp: drop at ingress
         default/api -> default/web 42/tcp: drop at ingress",
    );
}

#[test]
fn default_deny() {
    check(
        &policy("ingress: []"),
        "default/api -> default/web 80/tcp: pass",
    );
    for sections in [
        "ingress: [{}]",
        "ingress: [{}], egress: []",
        "ingressDeny: [{}]",
        "enableDefaultDeny: {ingress: true}",
        "ingress: [], enableDefaultDeny: {ingress: true, egress: false}",
    ] {
        check(
            &policy(sections),
            "default/api -> default/web 80/tcp: drop at ingress\ndefault/web -> default/api 80/tcp: pass",
        );
    }
    check(
        &policy("ingress: [{fromEntities: [host]}], enableDefaultDeny: {ingress: false}"),
        "default/api -> default/web 80/tcp: pass\nhost -> default/web 80/tcp: pass by @p ingress[0]",
    );
}

#[test]
fn audit() {
    let allow_api = "ingress: [{fromEndpoints: [{matchLabels: {role: api}}]}]";
    let deny_host = "ingressDeny: [{fromEntities: [host]}], enableDefaultDeny: {ingress: false}";
    check(
        &audited("p", allow_api),
        "default/api -> default/web 80/tcp: pass by @p ingress[0]
         default/db -> default/web 80/tcp: audit at ingress
         default/web -> default/db 80/tcp: pass",
    );
    check(
        &audited("p", deny_host),
        "host -> default/web 80/tcp: audit at ingress by @p ingressDeny[0]
         default/db -> default/web 80/tcp: pass",
    );
    // Beside a policy that enforces: its drops are drops, what it lets pass may still be marked.
    check(
        &(audited("p", deny_host)
            + &audited("q", allow_api)
            + &named("z", "", "ingress: [{fromEntities: [host, remote-node]}]")),
        "host -> default/web 80/tcp: audit at ingress by @p ingressDeny[0]
         remote-node -> default/web 80/tcp: pass by @z ingress[0]
         default/api -> default/web 80/tcp: pass by @q ingress[0]
         default/db -> default/web 80/tcp: drop at ingress",
    );
    // A deny of a policy that enforces comes before one that audits, whatever their names.
    check(
        &(audited("a", deny_host) + &named("z", "", deny_host)),
        "host -> default/web 80/tcp: drop at ingress by @z ingressDeny[0]",
    );
    check(
        &named("p", ", annotations: {tycho.io/audit: 'false'}", allow_api),
        "default/db -> default/web 80/tcp: drop at ingress",
    );
}
