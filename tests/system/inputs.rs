//! What `tycho observer` says of files and sockets that it cannot use, before it needs any privilege.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tests::binary::{Run, tycho};

use crate::replay::Replay;

const ENDPOINTS: &str = "node: node-a
endpoints:
- name: frontend-1
  namespace: shop
  netns: nowhere
  ips: [10.1.0.11]
  labels: {role: frontend}
";
const POLICY: &str = "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
";

/// A folder with the inputs of an observer.
struct Inputs {
    directory: TempDir,
}

impl Inputs {
    fn new(endpoints: &str, policy: &str) -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let inputs = Self { directory };
        fs::write(inputs.endpoints(), endpoints).expect("written");
        fs::create_dir(inputs.policies()).expect("made");
        fs::write(inputs.policies().join("backend.yaml"), policy).expect("written");
        inputs
    }

    fn endpoints(&self) -> PathBuf {
        self.directory.path().join("endpoints.yaml")
    }

    fn policies(&self) -> PathBuf {
        self.directory.path().join("policies")
    }

    /// Runs an observer that pins nothing and whose namespace does not exist.
    fn observe(&self, listen: &str) -> Run {
        let text = |path: PathBuf| path.into_os_string().into_string().expect("text");
        tycho(&[
            "observer",
            "--no-pins",
            "--netns",
            "tycho-tests-nowhere",
            "--state",
            &text(self.directory.path().to_owned()),
            "--endpoints",
            &text(self.endpoints()),
            "--policies",
            &text(self.policies()),
            "--listen",
            listen,
        ])
    }

    fn own_socket(&self) -> String {
        format!(
            "unix://{}",
            self.directory.path().join("own.sock").display()
        )
    }
}

#[test]
fn files_are_refused_with_their_line() {
    let cut = |text: &str, behind: &str| {
        let end = text.find(behind).expect("it is there") + behind.len();
        text[..end].to_owned()
    };
    for (endpoints, policy, words) in [
        (
            cut(ENDPOINTS, "ips: [10.1"),
            POLICY.to_owned(),
            &["endpoints.yaml:6:"][..],
        ),
        (
            cut(ENDPOINTS, "labels: {role"),
            POLICY.to_owned(),
            &["endpoints.yaml:7:"],
        ),
        (
            cut(ENDPOINTS, "namespace: shop\n"),
            POLICY.to_owned(),
            &["endpoints.yaml:4:", "ips"],
        ),
        (
            ENDPOINTS.replace("10.1.0.11", "10.1.0.1111"),
            POLICY.to_owned(),
            &["endpoints.yaml:6:", "ips[0]", "10.1.0.1111"],
        ),
        (
            ENDPOINTS.to_owned(),
            cut(POLICY, "{matchLabels: {role"),
            &["backend.yaml:5:"],
        ),
        (
            ENDPOINTS.to_owned(),
            cut(POLICY, "fromEndpoints: [{matchLabels"),
            &["backend.yaml:7:"],
        ),
        (
            ENDPOINTS.to_owned(),
            cut(POLICY, "namespace: shop}\n"),
            &["backend.yaml:", "spec"],
        ),
        (
            ENDPOINTS.to_owned(),
            POLICY.replace("fromEndpoints", "fromNodes"),
            &["backend.yaml:7:", "fromNodes"],
        ),
        (
            ENDPOINTS.to_owned(),
            POLICY.replace("role: backend", "'a b': c"),
            &["backend.yaml:5:", "a b"],
        ),
    ] {
        let inputs = Inputs::new(&endpoints, &policy);
        let run = inputs.observe(&inputs.own_socket());
        run.assert_refused(1, &[&["error: "], words].concat());
    }
}

#[test]
fn missing_files_are_named() {
    let inputs = Inputs::new(ENDPOINTS, POLICY);
    fs::remove_file(inputs.endpoints()).expect("removed");
    let run = inputs.observe(&inputs.own_socket());
    run.assert_refused(
        1,
        &[
            "cannot read the endpoint file",
            "endpoints.yaml",
            "No such file",
        ],
    );
    let inputs = Inputs::new(ENDPOINTS, POLICY);
    fs::remove_dir_all(inputs.policies()).expect("removed");
    let run = inputs.observe(&inputs.own_socket());
    run.assert_refused(1, &["cannot read the policies", "policies", "No such file"]);
}

#[test]
fn a_second_observer_at_a_socket_in_use() {
    let replay = Replay::new();
    let inputs = Inputs::new(ENDPOINTS, POLICY);
    let run = inputs.observe(&replay.server);
    let socket = replay.server.trim_start_matches("unix://");
    run.assert_refused(1, &[socket, "is occupied", "choose another socket"]);
    assert_eq!(
        replay.ask(&["observe", "--all"]).output().lines().count(),
        20,
        "the first goes on"
    );
}

#[test]
fn a_port_in_use() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let run = Inputs::new(ENDPOINTS, POLICY).observe(&address);
    run.assert_refused(1, &[&address, "is occupied"]);
}

#[test]
fn addresses_that_others_could_reach_need_a_flag() {
    let inputs = Inputs::new(ENDPOINTS, POLICY);
    let run = inputs.observe("0.0.0.0:4244");
    run.assert_refused(1, &["0.0.0.0:4244", "--insecure-bind"]);
}
