//! What a Kubernetes NetworkPolicy means, case by case: the recipes that its users know.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod cluster;

use cluster::Cluster;

/// A NetworkPolicy `p` of namespace `default`; `spec` is one line of YAML.
fn policy(spec: &str) -> String {
    named("p", "default", spec)
}

fn named(name: &str, namespace: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: \
         {{{spec}}}\n"
    )
}

/// Each line of `expect` is `from -> to port/protocol` and what comes of it.
fn check(yaml: &str, expect: &str) {
    let cluster = Cluster::new(yaml);
    for line in expect
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (talk, expect) = line.rsplit_once(": ").unwrap();
        assert_eq!(cluster.talk(talk), expect, "{talk}\n{yaml}");
    }
}

#[test]
fn deny_all_to_an_app() {
    for ingress in ";, ingress: [];, ingress: ;, policyTypes: [Ingress]".split(';') {
        check(
            &policy(&format!(
                "podSelector: {{matchLabels: {{app: web}}}}{ingress}"
            )),
            "default/api -> default/web 80/tcp: drop at ingress
             other/web -> default/web 80/tcp: drop at ingress
             203.0.113.1 -> default/web 80/tcp: drop at ingress
             default/web -> default/api 80/tcp: pass
             default/web -> 203.0.113.1 80/tcp: pass
             default/api -> other/web 80/tcp: pass",
        );
    }
}

#[test]
fn allow_all_to_an_app() {
    let deny = named("deny", "default", "podSelector: {}");
    for ingress in [
        "[{}]",
        "[{from: []}]",
        "[{ports: []}]",
        "[{from: [], ports: []}]",
    ] {
        check(
            &(deny.clone()
                + &policy(&format!(
                    "podSelector: {{matchLabels: {{app: web}}}}, ingress: {ingress}"
                ))),
            "default/api -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
             other/web -> default/web 53/udp: pass by NetworkPolicy/default/p ingress[0]
             203.0.113.1 -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
             unknown -> default/web 8/icmp: pass by NetworkPolicy/default/p ingress[0]
             default/web -> default/api 80/tcp: drop at ingress",
        );
    }
}

#[test]
fn limit_to_an_app() {
    check(
        &policy(
            "podSelector: {matchLabels: {app: bookstore, role: api}}, \
             ingress: [{from: [{podSelector: {matchLabels: {app: bookstore}}}]}]",
        ),
        "default/frontend -> default/api 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/web -> default/api 80/tcp: drop at ingress
         other/bookstore -> default/api 80/tcp: drop at ingress
         203.0.113.1 -> default/api 80/tcp: drop at ingress
         default/web -> default/frontend 80/tcp: pass",
    );
}

#[test]
fn only_from_the_own_namespace() {
    check(
        &policy("podSelector: {}, ingress: [{from: [{podSelector: {}}]}]"),
        "default/web -> default/api 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         other/web -> default/api 80/tcp: drop at ingress
         host -> default/api 80/tcp: drop at ingress
         203.0.113.1 -> default/api 80/tcp: drop at ingress
         default/web -> other/web 80/tcp: pass",
    );
}

#[test]
fn from_all_namespaces() {
    check(
        &policy(
            "podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {}}]}]",
        ),
        "default/api -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         other/web -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         203.0.113.1 -> default/web 80/tcp: drop at ingress
         host -> default/web 80/tcp: drop at ingress
         world -> default/web 80/tcp: drop at ingress",
    );
}

#[test]
fn from_a_namespace() {
    for selector in [
        "matchLabels: {purpose: production}",
        "matchLabels: {kubernetes.io/metadata.name: other}",
        "matchExpressions: [{key: purpose, operator: Exists}]",
        "matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [default, kube-system]}]",
    ] {
        check(
            &policy(&format!(
                "podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{{namespaceSelector: {{{selector}}}}}]}}]"
            )),
            "other/web -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
             other/monitor -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
             default/api -> default/web 80/tcp: drop at ingress
             kube-system/dns -> default/web 80/tcp: drop at ingress
             host -> default/web 80/tcp: drop at ingress
             203.0.113.1 -> default/web 80/tcp: drop at ingress",
        );
    }
}

#[test]
fn both_selectors_in_one_item_or_in_two() {
    let both = "podSelector: {matchLabels: {type: monitoring}}";
    let namespace = "namespaceSelector: {matchLabels: {purpose: production}}";
    check(
        &policy(&format!(
            "podSelector: {{}}, ingress: [{{from: [{{{namespace}, {both}}}]}}]"
        )),
        "other/monitor -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         other/web -> default/web 80/tcp: drop at ingress
         default/monitor -> default/web 80/tcp: drop at ingress",
    );
    check(
        &policy(&format!(
            "podSelector: {{}}, ingress: [{{from: [{{{namespace}}}, {{{both}}}]}}]"
        )),
        "other/monitor -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         other/web -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/monitor -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/api -> default/web 80/tcp: drop at ingress",
    );
}

#[test]
fn ports_of_an_app() {
    check(
        &policy(
            "podSelector: {matchLabels: {app: bookstore, role: api}}, \
             ingress: [{ports: [{port: 5000}], from: [{podSelector: {matchLabels: {role: frontend}}}]}]",
        ),
        "default/frontend -> default/api 5000/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/frontend -> default/api 5000/udp: drop at ingress
         default/frontend -> default/api 8000/tcp: drop at ingress
         default/web -> default/api 5000/tcp: drop at ingress",
    );
    let ports = |ports: &str| {
        policy(&format!(
            "podSelector: {{}}, ingress: [{{ports: [{ports}]}}]"
        ))
    };
    check(
        &ports("{protocol: UDP}"),
        "203.0.113.1 -> default/web 53/udp: pass by NetworkPolicy/default/p ingress[0]
         203.0.113.1 -> default/web 53/tcp: drop at ingress",
    );
    check(
        &ports("{}"),
        "203.0.113.1 -> default/web 53/tcp: pass by NetworkPolicy/default/p ingress[0]
         203.0.113.1 -> default/web 53/udp: drop at ingress
         203.0.113.1 -> default/web 8/icmp: drop at ingress",
    );
    check(
        &ports("{port: 32000, endPort: 32768, protocol: TCP}, {port: 7, protocol: SCTP}"),
        "default/api -> default/web 31999/tcp: drop at ingress
         default/api -> default/web 32000/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/api -> default/web 32768/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/api -> default/web 32769/tcp: drop at ingress
         default/api -> default/web 32000/udp: drop at ingress
         default/api -> default/web 7/sctp: pass by NetworkPolicy/default/p ingress[0]",
    );
}

#[test]
fn ports_with_names() {
    check(
        &policy("podSelector: {matchLabels: {role: api}}, ingress: [{ports: [{port: http}]}]"),
        "default/web -> default/api 8080/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/web -> default/api 8080/udp: drop at ingress
         default/web -> default/api 80/tcp: drop at ingress
         default/web -> default/api 5000/tcp: drop at ingress",
    );
    // Whom the policy selects gives the names: together they have two ports of one name.
    check(
        &policy("podSelector: {}, ingress: [{ports: [{port: http}]}]"),
        "default/frontend -> default/api 8080/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/frontend -> default/api 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/frontend -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/frontend -> default/web 81/tcp: drop at ingress",
    );
    check(
        &policy("podSelector: {matchLabels: {role: db}}, ingress: [{ports: [{port: http}]}]"),
        "default/frontend -> default/db 8080/tcp: drop at ingress",
    );
    // Of an egress rule, whom it names does.
    check(
        &policy(
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http}]}]",
        ),
        "default/api -> default/web 80/tcp: pass by NetworkPolicy/default/p egress[0]
         default/api -> default/web 8080/tcp: drop at egress
         default/web -> default/api 8080/tcp: drop at egress",
    );
}

#[test]
fn policy_types() {
    let both = |types: &str| {
        policy(&format!(
            "podSelector: {{matchLabels: {{app: web}}}}{types}, ingress: [{{ports: [{{port: 80}}]}}], egress: [{{ports: [{{port: 443}}]}}]"
        ))
    };
    for types in ["", ", policyTypes: []", ", policyTypes: [Ingress, Egress]"] {
        check(
            &both(types),
            "default/api -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
             default/api -> default/web 81/tcp: drop at ingress
             default/web -> default/api 443/tcp: pass by NetworkPolicy/default/p egress[0]
             default/web -> default/api 80/tcp: drop at egress",
        );
    }
    check(
        &both(", policyTypes: [Ingress]"),
        "default/api -> default/web 81/tcp: drop at ingress
         default/web -> default/api 80/tcp: pass",
    );
    check(
        &both(", policyTypes: [Egress]"),
        "default/api -> default/web 81/tcp: pass
         default/web -> default/api 80/tcp: drop at egress",
    );
    check(
        &policy("podSelector: {}, egress: []"),
        "default/web -> 203.0.113.1 80/tcp: pass
         default/web -> default/api 80/tcp: drop at ingress",
    );
    check(
        &policy("podSelector: {}, policyTypes: [Ingress, Egress]"),
        "default/web -> 203.0.113.1 80/tcp: drop at egress
         203.0.113.1 -> default/web 80/tcp: drop at ingress
         other/web -> 203.0.113.1 80/tcp: pass",
    );
}

#[test]
fn egress() {
    check(
        &policy("podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: []"),
        "default/web -> default/api 80/tcp: drop at egress
         default/web -> 203.0.113.1 80/tcp: drop at egress
         default/web -> kube-system/dns 53/udp: drop at egress
         default/api -> default/web 80/tcp: pass",
    );
    check(
        &policy(
            "podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], \
             egress: [{ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]}]",
        ),
        "default/web -> kube-system/dns 53/udp: pass by NetworkPolicy/default/p egress[0]
         default/web -> 203.0.113.1 53/tcp: pass by NetworkPolicy/default/p egress[0]
         default/web -> 203.0.113.1 80/tcp: drop at egress",
    );
    check(
        &policy(
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: \
             {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], \
             ports: [{port: 53, protocol: UDP}]}, {to: [{podSelector: {}}]}]",
        ),
        "default/web -> kube-system/dns 53/udp: pass by NetworkPolicy/default/p egress[0]
         default/web -> kube-system/dns 53/tcp: drop at egress
         default/web -> default/api 80/tcp: pass by NetworkPolicy/default/p egress[1]
         default/web -> other/web 80/tcp: drop at egress
         default/web -> 203.0.113.1 53/udp: drop at egress",
    );
}

#[test]
fn blocks_of_addresses() {
    check(
        &policy(
            "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24, 172.17.2.3/32]}}, \
             {ipBlock: {cidr: 'fd99::/16'}}], ports: [{port: 6379}]}]",
        ),
        "172.17.0.1 -> default/web 6379/tcp: pass by NetworkPolicy/default/p ingress[0]
         172.17.0.1 -> default/web 80/tcp: drop at ingress
         172.17.1.1 -> default/web 6379/tcp: drop at ingress
         172.17.2.3 -> default/web 6379/tcp: drop at ingress
         172.17.2.4 -> default/web 6379/tcp: pass by NetworkPolicy/default/p ingress[0]
         172.18.0.1 -> default/web 6379/tcp: drop at ingress
         fd99::1 -> default/web 6379/tcp: pass by NetworkPolicy/default/p ingress[0]
         fd9a::1 -> default/web 6379/tcp: drop at ingress
         default/api -> default/web 6379/tcp: drop at ingress
         host -> default/web 6379/tcp: drop at ingress",
    );
    // The whole of IPv4 outside, but not the private networks; and no endpoint, whatever its address.
    check(
        &policy(
            "podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, \
             192.168.0.0/16]}}]}]",
        ),
        "default/web -> 203.0.113.1 443/tcp: pass by NetworkPolicy/default/p egress[0]
         default/web -> 10.0.0.1 443/tcp: drop at egress
         default/web -> 192.168.7.1 443/tcp: drop at egress
         default/web -> 2001:db8::1 443/tcp: drop at egress
         default/web -> default/api 443/tcp: drop at egress",
    );
    // What one policy excepts another may allow.
    check(
        &(policy(
            "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]",
        ) + &named(
            "q",
            "default",
            "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.1.2.3/24}}]}]",
        )),
        "10.0.0.1 -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         10.1.0.1 -> default/web 80/tcp: drop at ingress
         10.1.2.9 -> default/web 80/tcp: pass by NetworkPolicy/default/q ingress[0]",
    );
}

#[test]
fn policies_add_up() {
    check(
        &(named("a", "default", "podSelector: {}")
            + &named(
                "b",
                "default",
                "podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]",
            )
            + &named(
                "c",
                "default",
                "podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]",
            )
            + &named("d", "other", "podSelector: {}, ingress: [{}]")),
        "other/web -> default/web 80/tcp: pass by NetworkPolicy/default/b ingress[0]
         other/web -> default/web 81/tcp: drop at ingress
         default/api -> default/web 80/tcp: pass by NetworkPolicy/default/b ingress[0]
         default/api -> default/web 81/tcp: pass by NetworkPolicy/default/c ingress[0]
         default/web -> default/api 81/tcp: drop at ingress",
    );
}

#[test]
fn selectors_mean_labels_of_kubernetes() {
    check(
        &policy(
            "podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [db]}]}, ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}]}]",
        ),
        "default/monitor -> default/web 80/tcp: pass by NetworkPolicy/default/p ingress[0]
         default/api -> default/web 80/tcp: drop at ingress
         default/api -> default/db 80/tcp: pass
         host -> default/web 80/tcp: drop at ingress",
    );
}

#[test]
fn a_selector_that_is_left_blank_is_empty() {
    for selector in [
        "{}",
        "{matchLabels: }",
        "{matchLabels: , matchExpressions: }",
    ] {
        check(
            &policy(&format!("podSelector: {selector}")),
            "default/api -> default/db 80/tcp: drop at ingress
             default/api -> other/web 80/tcp: pass",
        );
    }
}
