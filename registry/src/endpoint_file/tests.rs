//! What an endpoint file may say, and what is said about one that may not.

use proptest::prelude::*;

use super::*;

const WHOLE: &str = r#"# endpoints.yaml: what a node without Kubernetes needs to know
node: node-a
namespaces: {shop: {team: web}}
endpoints:
- name: frontend-1
  namespace: shop
  netns: shop-frontend-1
  ips: [10.1.0.11, "fd00:1::11"]
  labels: {role: frontend}
  workload: {kind: Deployment, name: frontend}
  ports: {http: 8080}
  mode: enforce
  spoofing: strict
- name: printer
  interface: veth-printer
  ips: [10.1.0.12]
  spoofing: [10.2.0.0/16]
"#;

fn parsed(text: &str) -> Result<EndpointFile, EndpointFileError> {
    parse(Path::new("endpoints.yaml"), text)
}

#[test]
fn a_whole_file() {
    let file = parsed(WHOLE).unwrap();
    assert_eq!(file.node_name(), "default/node-a");
    let [frontend, printer] = &file.endpoints[..] else {
        panic!("{file:?}")
    };
    assert_eq!(
        *frontend,
        EndpointSpec {
            name: "frontend-1".to_owned(),
            namespace: Some("shop".to_owned()),
            attachment: Attachment::Netns("shop-frontend-1".to_owned()),
            ips: vec!["10.1.0.11".parse().unwrap(), "fd00:1::11".parse().unwrap()],
            labels: BTreeMap::from([("role".to_owned(), "frontend".to_owned())]),
            workload: Some(Workload {
                kind: "Deployment".to_owned(),
                name: "frontend".to_owned()
            }),
            ports: BTreeMap::from([("http".to_owned(), 8080)]),
            mode: Some(Mode::Enforce),
            spoofing: Spoofing::Strict,
            line: 5,
        }
    );
    assert_eq!(frontend.qualified_name(), "shop/frontend-1");
    assert_eq!(printer.qualified_name(), "printer");
    assert_eq!(
        printer.attachment,
        Attachment::Interface("veth-printer".to_owned())
    );
    assert_eq!(printer.mode, None);
    assert_eq!(
        printer.spoofing,
        Spoofing::Cidrs(vec!["10.2.0.0/16".parse().unwrap()])
    );
}

#[test]
fn labels_of_endpoints() {
    let file = parsed(WHOLE).unwrap();
    let found: Vec<Vec<String>> = file
        .endpoints
        .iter()
        .map(|endpoint| {
            labels(endpoint, &file.namespaces)
                .iter()
                .map(ToString::to_string)
                .collect()
        })
        .collect();
    assert_eq!(
        found[0],
        [
            "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop",
            "k8s:io.cilium.k8s.namespace.labels.team=web",
            "k8s:io.kubernetes.pod.namespace=shop",
            "k8s:role=frontend",
        ]
    );
    assert!(found[1].is_empty());
    let bare = parsed(
        "node: a\nendpoints: [{name: x, netns: x, ips: [10.0.0.1], labels: {b: '2', a: 1}}]",
    )
    .unwrap();
    let bare: Vec<String> = labels(&bare.endpoints[0], &bare.namespaces)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(bare, ["unspec:a=1", "unspec:b=2"]);
    let renamed = parsed(
        "node: a\nnamespaces: {n: {kubernetes.io/metadata.name: other}}\nendpoints: [{name: x, namespace: n, netns: x, ips: [10.0.0.1]}]",
    )
    .unwrap();
    let renamed = labels(&renamed.endpoints[0], &renamed.namespaces);
    assert_eq!(
        renamed.value(
            "k8s",
            "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name"
        ),
        Some("other")
    );
}

#[test]
fn one_endpoint_alone() {
    let parsed = |text: &str| parse_endpoint(Path::new("request"), text);
    let spec =
        parsed("{name: a, namespace: s, netns: a, ips: [10.0.0.1], ports: {http: 80}}").unwrap();
    assert_eq!(
        (spec.qualified_name().as_str(), spec.ports["http"]),
        ("s/a", 80)
    );
    for (text, expect) in [
        (
            "name: a\nnetns: a\nips: [10.0.0]",
            "request:3: endpoint.ips[0]: `10.0.0` is no IP address",
        ),
        (
            "name: a\nips: [10.0.0.1]",
            "request:1: endpoint: has neither",
        ),
        ("[1]", "request:"),
        ("", "request:"),
    ] {
        let message = parsed(text).unwrap_err().to_string();
        assert!(message.starts_with(expect), "{text}: {message}");
    }
}

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

#[test]
fn every_problem_is_told_in_order_and_the_rest_is_counted() {
    let text = "node: A\nendpoints:\n- name: X\n  netns: x\n  ips: [1]\n  mode: no\n";
    let message = parsed(text).unwrap_err().to_string();
    let lines: Vec<&str> = message
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "endpoints.yaml:1:",
            "endpoints.yaml:3:",
            "endpoints.yaml:5:",
            "endpoints.yaml:6:"
        ]
    );
    let list: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let text = format!(
        "node: a\nendpoints: [{{name: x, netns: x, ips: [{}]}}]",
        list.join(",")
    );
    let message = parsed(&text).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 21);
    assert!(message.ends_with("and 11 more"), "{message}");
}

#[test]
fn files_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("endpoints.yaml");
    assert!(matches!(read(&path), Err(EndpointFileError::Read { .. })));
    std::fs::write(&path, b"node: a\n# \xff").unwrap();
    let message = read(&path).unwrap_err().to_string();
    assert_eq!(
        message,
        format!("{}:2: the bytes are no UTF-8", path.display())
    );
    File::create(&path)
        .unwrap()
        .set_len(MAX_FILE_BYTES + 1)
        .unwrap();
    assert!(matches!(
        read(&path),
        Err(EndpointFileError::TooLarge { .. })
    ));
}

#[test]
fn a_file_of_many_endpoints_and_one_that_explodes() {
    let mut text = "node: a\nendpoints:\n".to_owned();
    for number in 0..5000 {
        let (high, low) = (number / 250, number % 250 + 1);
        text += &format!(
            "- {{name: e{number}, namespace: s, netns: e{number}, ips: [10.0.{high}.{low}], labels: {{a: b, c: d}}}}\n"
        );
    }
    assert_eq!(parsed(&text).unwrap().endpoints.len(), 5000);
    let mut bomb = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..30 {
        bomb += &format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    assert!(parsed(&format!("{bomb}node: *a29\n")).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(node: a\n)?([a-z]{1,5}|[-:{}\\[\\]&*!|>'\"%@ \n#,?0-9]|endpoints|ips|name){0,30}") {
        if let Err(error) = parsed(&text) {
            prop_assert!(error.to_string().starts_with("endpoints.yaml:"));
        }
    }
}

#[test]
fn the_name_of_a_node_is_no_path() {
    for (name, fits) in [
        ("node-a", true),
        ("node-a.example.org", true),
        ("", false),
        (".", false),
        ("..", false),
        ("../other", false),
        ("/etc", false),
        ("a/b", false),
        ("a..b", false),
    ] {
        assert_eq!(check_node_name(name).is_ok(), fits, "{name}");
    }
}
