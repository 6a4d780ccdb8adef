//! What an endpoint file may say, and how it is read.

mod problems;

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
