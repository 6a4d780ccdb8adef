//! What is said about a file that may not be: where, what, and what may.

use super::parsed;

/// A file whose one endpoint has these further fields, from line 6 on.
fn endpoint(fields: &str) -> String {
    format!("node: a\nendpoints:\n- name: x\n  netns: x\n  ips: [10.0.0.1]\n  {fields}\n")
}

/// `expect` is the whole message, or the part before `…`.
fn check(text: &str, expect: &str) {
    let message = match parsed(text) {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    };
    let fits = match expect.strip_suffix('…') {
        Some(start) => message.starts_with(start),
        None => message == expect,
    };
    assert!(fits, "{text}\n  says   {message}\n  expect {expect}");
}

#[test]
fn problems_of_the_document() {
    check("node: a", "ok");
    check("node: a\nnamespaces:\n  shop:\n", "ok");
    check("", "endpoints.yaml…");
    check("endpoints: []", "endpoints.yaml:1: missing field `node`…");
    check("node: a\nnod: b", "endpoints.yaml:2: unknown field `nod`…");
    check("node: a\nnode: b", "endpoints.yaml:2: duplicate…");
    check("node: [a", "endpoints.yaml:…");
    check("node: a\n---\nnode: b", "endpoints.yaml:…");
    check(
        "node: A",
        "endpoints.yaml:1: node: `A` may hold only lower-case letters, digits, `-` and `.`",
    );
    check(
        "node: a..b",
        "endpoints.yaml:1: node: `a..b`: its part is empty",
    );
    check("node: ''", "endpoints.yaml:1: node: is empty");
    check(
        "node: a\ncluster: x.y",
        "endpoints.yaml:2: cluster: `x.y` may hold only lower-case letters, digits and `-`",
    );
    check(
        "node: a\nnamespaces:\n  shop:\n    -team: web",
        "endpoints.yaml:4: namespaces.shop.-team: `-team` must begin and end with a letter or digit",
    );
    check(
        "node: a\nnamespaces: {\"a\\nb\\e[2J\": {}}",
        "endpoints.yaml:2: namespaces.a\\nb\\u{1b}[2J: `a\\nb\\u{1b}[2J` may hold…",
    );
    check(
        "node: a\nnamespaces: {S: {}}",
        "endpoints.yaml:2: namespaces.S: `S` may hold…",
    );
    check(
        "node: a\nnamespaces: {s: {a: b, a: c}}",
        "endpoints.yaml:2: duplicate…",
    );
}

#[test]
fn problems_of_an_endpoint() {
    check(&endpoint("mode: audit"), "ok");
    check(
        &endpoint("mode: Audit"),
        "endpoints.yaml:6: endpoints[0].mode: `Audit` is none of `enforce`, `audit`, `off`",
    );
    check(&endpoint("mode: off"), "ok");
    check(&endpoint("spoofing: off"), "ok");
    check(
        &endpoint("spoofing: loose"),
        "endpoints.yaml:6: endpoints[0].spoofing: `loose` is neither `strict` nor `off` nor a list of CIDRs",
    );
    check(
        &endpoint("spoofing: [10.0.0.1/8]"),
        "endpoints.yaml:6: endpoints[0].spoofing[0]: `10.0.0.1/8` has bits beyond its prefix; the network is `10.0.0.0/8`",
    );
    check(&endpoint("spoofing: 7"), "endpoints.yaml:6: invalid type…");
    check(
        &endpoint("spoofing:\n  - 10.0.0.0/8\n  - x"),
        "endpoints.yaml:8: endpoints[0].spoofing[1]: `x` is no CIDR…",
    );
    check(
        &endpoint("interface: eth0"),
        "endpoints.yaml:6: endpoints[0]: has both `netns` and `interface` (keep one: both say where its interface is)",
    );
    check(
        "node: a\nendpoints:\n- name: x\n  ips: [10.0.0.1]",
        "endpoints.yaml:3: endpoints[0]: has neither `netns` nor `interface` (add `netns:`…",
    );
    check(
        "node: a\nendpoints:\n- name: x\n  netns: x",
        "endpoints.yaml:4: missing field `ips`…",
    );
    check(
        &endpoint("color: red"),
        "endpoints.yaml:6: unknown field `color`…",
    );
    check(
        &endpoint("namespace: a/b"),
        "endpoints.yaml:6: endpoints[0].namespace: `a/b` may hold…",
    );
    check(
        &endpoint("workload: {kind: '', name: x}"),
        "endpoints.yaml:6: endpoints[0].workload.kind: is empty",
    );
    check(
        &endpoint("ports: {http: 0}"),
        "endpoints.yaml:6: endpoints[0].ports.http: `0` is no port from 1 to 65535",
    );
    check(
        &endpoint("ports: {http: 65536}"),
        "endpoints.yaml:6: endpoints[0].ports.http: `65536` is no port…",
    );
    check(
        &endpoint("ports: {'80': 80}"),
        "endpoints.yaml:6: endpoints[0].ports.80: `80` needs a letter…",
    );
    check(
        &endpoint("labels: {a/b/c: d}"),
        "endpoints.yaml:6: endpoints[0].labels.a/b/c: `b/c` may hold…",
    );
    check(
        &endpoint("labels: {'k8s:a': d}"),
        "endpoints.yaml:6: endpoints[0].labels.k8s:a: `k8s:a` may hold…",
    );
    check(&endpoint("labels: {example.com/app: v1.2_x, e: ''}"), "ok");
    check(
        &endpoint(&format!("labels: {{a: {}}}", "x".repeat(63))),
        "ok",
    );
    check(
        &endpoint(&format!("labels: {{a: {}}}", "x".repeat(64))),
        "endpoints.yaml:6: endpoints[0].labels.a: is 64 bytes long; at most 63 are allowed",
    );
    check(
        &endpoint("labels: {io.kubernetes.pod.namespace: x}"),
        "endpoints.yaml:6: endpoints[0].labels.io.kubernetes.pod.namespace: this label is set by Tycho…",
    );
}

#[test]
fn problems_of_names_and_attachments() {
    let two =
        |first: &str, second: &str| format!("node: a\nendpoints:\n- {{{first}}}\n- {{{second}}}\n");
    check(
        &two(
            "name: x, netns: x, ips: [10.0.0.1]",
            "name: x, netns: y, ips: [10.0.0.2]",
        ),
        "endpoints.yaml:4: endpoints[1].name: `x` is already the endpoint of line 3 (a name is unique in its namespace)",
    );
    check(
        &two(
            "name: x, netns: x, ips: [10.0.0.1]",
            "name: x, namespace: s, netns: y, ips: [10.0.0.2]",
        ),
        "ok",
    );
    check(
        &two(
            "name: x, netns: x, ips: [10.0.0.1]",
            "name: y, netns: x, ips: [10.0.0.2]",
        ),
        "endpoints.yaml:4: endpoints[1].netns: is already that of the endpoint at line 3 (an interface belongs to one endpoint)",
    );
    check(
        &two(
            "name: x, netns: x, ips: ['fd00::1']",
            "name: y, netns: y, ips: ['fd00:0::1']",
        ),
        "endpoints.yaml:4: endpoints[1].ips[0]: fd00::1 is already an address of the endpoint at line 3",
    );
    let one =
        |fields: &str| format!("node: a\nendpoints:\n- {{name: x, ips: [10.0.0.1], {fields}}}\n");
    check(&one("netns: /proc/1/ns/net"), "ok");
    check(
        &one("netns: a/b"),
        "endpoints.yaml:3: endpoints[0].netns: `a/b` is neither…",
    );
    check(
        &one("interface: a-name-too-long-"),
        "endpoints.yaml:3: endpoints[0].interface: is 16 bytes long; at most 15…",
    );
    check(
        &one("interface: 'a b'"),
        "endpoints.yaml:3: endpoints[0].interface: `a b` is no name of an interface",
    );
}

#[test]
fn problems_of_addresses() {
    let ips = |ips: &str| format!("node: a\nendpoints:\n- name: x\n  netns: x\n  ips: {ips}\n");
    check(
        &ips("[]"),
        "endpoints.yaml:5: endpoints[0].ips: is empty (name at least one address…",
    );
    for (text, why) in [
        ("10.0.0", "no IP address"),
        (
            "10.0.0.1/24",
            "a network; write the address alone: `10.0.0.1`",
        ),
        ("0.0.0.0", "the unspecified address"),
        (
            "127.0.0.1",
            "a loopback address, which never leaves the endpoint",
        ),
        ("224.0.0.1", "a multicast address"),
        ("255.255.255.255", "the broadcast address"),
        ("fe80::1", "link-local, which is not unique on the node"),
        (
            "::ffff:10.0.0.1",
            "an IPv4 address in IPv6 clothes; write it as IPv4",
        ),
    ] {
        let expect = format!("endpoints.yaml:6: endpoints[0].ips[0]: `{text}` is {why}");
        check(&ips(&format!("\n  - \"{text}\"")), &expect);
    }
    let many = |count: usize| {
        let list: Vec<String> = (1..=count).map(|last| format!("10.0.0.{last}")).collect();
        ips(&format!("[{}]", list.join(", ")))
    };
    check(&many(16), "ok");
    check(
        &many(17),
        "endpoints.yaml:5: endpoints[0].ips: has 17 entries; at most 16 are allowed",
    );
}
