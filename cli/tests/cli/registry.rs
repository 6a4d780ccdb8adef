//! `tycho registry` on a registry of files, in which one node has published.

use std::sync::Arc;
use std::time::Duration;

use daemon::tasks::Tasks;
use policy::LabelSet;
use registry::cluster::{EndpointEntry, NodeEntry, Registry, RegistrySettings, open};
use tempfile::TempDir;

use crate::binary::{Run, tycho, tycho_fed};
use crate::snapshot;

/// A node that has published itself and two endpoints. It dies with this.
pub(crate) struct Node {
    _runtime: tokio::runtime::Runtime,
    tasks: Tasks,
}

impl Node {
    /// Starts it, and waits until everything is in the registry.
    pub(crate) fn start(settings: RegistrySettings) -> Self {
        let node = Self {
            _runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            tasks: Tasks::new(),
        };
        let tasks = node.tasks.clone();
        node._runtime.block_on(async move {
            let (registry, driver) = open(settings).expect("settings that work");
            tasks.spawn("registry", driver.run(tasks.cancellation()));
            publish(&*registry).await;
        });
        node
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
    }
}

/// Settings of the node.
pub(crate) fn node_at(url: &str) -> RegistrySettings {
    RegistrySettings::for_node(url.parse().expect("a URL"), "default/node-a")
}

/// A registry of files, in which one node has published.
struct Site {
    directory: TempDir,
    node: Option<Node>,
}

impl Site {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("file:{}/registry", directory.path().display());
        Self {
            directory,
            node: Some(Node::start(node_at(&url))),
        }
    }

    fn url(&self) -> String {
        format!("file:{}/registry", self.directory.path().display())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        tycho(&[&["registry", "--registry", &self.url()], arguments].concat())
    }

    fn fed(&self, arguments: &[&str], input: &str) -> Run {
        let url = self.url();
        tycho_fed(
            &[&["registry", "--registry", &url], arguments].concat(),
            input,
        )
    }

    /// What it prints, with this registry's own words replaced.
    fn output(&self, arguments: &[&str]) -> String {
        good(self.run(arguments)).replace(&self.url(), "file:/registry")
    }
}

/// What a run has printed that went well.
pub(crate) fn good(run: Run) -> String {
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    run.stdout
}

/// Checks what a run says that failed.
pub(crate) fn check_failure(run: &Run, words: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "{word:?} is not in {run:?}");
    }
}

async fn publish(registry: &dyn Registry) {
    registry.publish_node(NodeEntry {
        name: "default/node-a".to_owned(),
        address: Some("10.0.0.1:4244".to_owned()),
        tls_server_name: Some("node-a.default.tycho".to_owned()),
        ips: vec!["10.0.0.1".parse().expect("an address")],
        started_ns: 1_763_805_600_000_000_000,
        epoch: 7,
        version: "0.1.0".to_owned(),
    });
    let endpoint = async |name: &str, ip: &str, role: &str| {
        let labels = LabelSet::parse(["k8s:team=shop".to_owned(), format!("k8s:role={role}")]);
        let labels = labels.expect("labels");
        let allocated = registry.allocate(&labels).await.expect("a number");
        Arc::new(EndpointEntry {
            node: "default/node-a".to_owned(),
            name: name.to_owned(),
            namespace: Some("shop".to_owned()),
            ips: vec![ip.parse().expect("an address")],
            identity: allocated.identity,
            labels,
            workload: None,
            ports: [("http".to_owned(), 8080)].into(),
            managed: true,
            since_ns: 5,
        })
    };
    registry.publish_endpoints(vec![
        endpoint("frontend-1", "10.1.0.11", "frontend").await,
        endpoint("db-1", "10.1.0.12", "db").await,
    ]);
    let mut state = registry.state();
    let there = state.wait_for(|state| state.endpoints.len() == 2 && state.users.len() == 2);
    let there = tokio::time::timeout(Duration::from_secs(60), there).await;
    there.expect("in time").expect("it lives");
}

pub(crate) const POLICY: &str = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: web, namespace: shop}\n\
                      spec:\n  endpointSelector: {}\n  ingress: [{}]\n";

const SERVICE: &str = "namespace: shop\nname: web\nips: [10.96.0.1]\nports: [{name: http, port: 80, target_port: 8080}]\n\
                       selector: {role: frontend}\n";

#[test]
fn everything_is_shown_and_policies_and_services_are_changed() {
    let mut site = Site::start();
    let web = "CiliumNetworkPolicy/shop/web";
    let put = good(site.fed(&["policy", "put", "-", "--name", "web"], POLICY));
    assert_eq!(put, format!("put policy web: {web}\n"));
    let put = good(site.fed(&["service", "put", "-"], SERVICE));
    assert_eq!(put, "put service shop/web\n");
    let json = |arguments: &[&str]| -> serde_json::Value {
        let text = site.output(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).expect("one object")
    };
    let all = json(&["all"]);
    let cluster = all["cluster_id"].as_str().expect("an id");
    let revision = all["revision"].to_string();
    let origin = all["policies"][0]["origin"].as_str().expect("a place");
    let text = site.output(&["all"]);
    let own_words = |text: &str| {
        text.replace(cluster, "0123456789abcdef")
            .replace(origin, "host:standard input")
            .lines()
            .map(|line| match line.strip_prefix("REVISION") {
                Some(rest) => format!("REVISION{}\n", rest.replace(&revision, "7")),
                // As long as the name of the machine, and what is written of the time.
                None if line.starts_with("policies ") => {
                    "policies    1        (bytes)\n".to_owned()
                }
                None => format!("{line}\n"),
            })
            .collect::<String>()
    };
    snapshot::check("registry.txt", &own_words(&text));
    let summary = site.output(&[]);
    assert!(text.starts_with(&summary), "{summary}");
    assert_eq!(site.output(&["summary"]), summary);
    for section in ["nodes", "endpoints", "identities", "policies", "services"] {
        let table = site.output(&[section]);
        assert!(text.contains(&table), "{table}");
        assert_eq!(json(&[section])[section], all[section]);
    }
    assert_eq!(all["nodes"][0]["address"], "10.0.0.1:4244");
    assert_eq!(all["nodes"][0]["process_lives"], true);
    assert_eq!(all["endpoints"][0]["name"], "db-1");
    assert_eq!(all["identities"][0]["users"][0], "default/node-a");
    assert_eq!(all["policies"][0]["yaml"], POLICY);
    assert_eq!(all["services"][0]["selector"]["role"], "frontend");
    assert_eq!(json(&[])["summary"], all["summary"]);
    assert_eq!(all["summary"]["kinds"]["endpoints"]["entries"], 2);
    assert_eq!(all["summary"]["identities"]["in_use"], 2);
    assert_eq!(all["summary"]["identities"]["free"], 65_278);
    assert_eq!(site.output(&["policy", "get", "web"]), POLICY);
    let deleted = site.output(&["policy", "delete", "web", "-o", "json"]);
    assert_eq!(
        deleted,
        format!("{{\"deleted\":\"web\",\"policies\":[\"{web}\"]}}\n")
    );
    let deleted = site.output(&["service", "delete", "shop/web"]);
    assert_eq!(deleted, "deleted service shop/web\n");
    assert_eq!(site.output(&["policies"]), "POLICY  HOLDS  PUT FROM\n");
    drop(site.node.take());
    let nodes = site.output(&["nodes"]);
    assert!(
        nodes.contains("default/node-a  its process died  -"),
        "{nodes}"
    );
}

#[test]
fn policies_of_files_are_put_under_their_names_if_they_go_together() {
    let site = Site::start();
    let file = |name: &str, text: &str| {
        let path = site.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let other = POLICY.replace("name: web", "name: db");
    let (web, db) = (file("web.yaml", POLICY), file("db.yaml", &other));
    assert_eq!(
        site.output(&["policy", "import", &web, &db]),
        "put policy web: CiliumNetworkPolicy/shop/web\nput policy db: CiliumNetworkPolicy/shop/db\n"
    );
    let policies = site.output(&["policies"]);
    assert!(policies.contains(&format!(":{web}\n")), "{policies}");
    // The same again replaces, under another name it would be there twice.
    site.output(&["policy", "put", &web]);
    let twice = site.run(&["policy", "put", &web, "--name", "again"]);
    check_failure(
        &twice,
        &[
            "web.yaml:1: metadata.name: ",
            "already defined at registry:web:1",
        ],
    );
    std::fs::create_dir(site.directory.path().join("more")).expect("a directory");
    let same = file("more/web.yaml", POLICY);
    check_failure(
        &site.run(&["policy", "put", &web, &same]),
        &["would both be kept under \"web\""],
    );
    assert_eq!(
        site.output(&["policy", "delete", "db"]),
        "deleted policy db: CiliumNetworkPolicy/shop/db\n"
    );
    let left = site.output(&["policies", "-o", "json"]);
    let left: serde_json::Value = serde_json::from_str(&left).expect("one object");
    assert_eq!(left["policies"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_does_not_work_says_why() {
    let site = Site::start();
    for (run, words) in [
        (
            site.run(&["policy", "delete", "web"]),
            &[
                "there is no policy \"web\" in file:",
                "tycho registry policies",
            ][..],
        ),
        (site.run(&["service", "delete", "web"]), &["NAMESPACE/NAME"]),
        (
            site.run(&["service", "delete", "shop/web"]),
            &["there is no service \"shop/web\""],
        ),
        (site.run(&["policy", "get", "web"]), &["there is no policy"]),
        (
            site.run(&["policy", "put", "/nowhere.yaml"]),
            &["cannot read /nowhere.yaml"],
        ),
        (site.fed(&["policy", "put", "-"], POLICY), &["--name"]),
        (
            site.fed(&["policy", "put", "-", "--name", "x"], "kind: Pod"),
            &["nothing was put", "-:1"],
        ),
        (
            site.fed(&["policy", "put", "-", "--name", "x"], ""),
            &["there is no policy in it"],
        ),
        (
            site.fed(&["service", "put", "-"], "name: web"),
            &["nothing was put", "namespace"],
        ),
        (
            tycho(&["registry", "--registry", "file:/nowhere/registry"]),
            &["file:/nowhere/registry cannot be read", "No such file"],
        ),
    ] {
        check_failure(&run, words);
    }
    let run = tycho(&["registry", "--registry", "nonsense"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("is no registry"), "{run:?}");
}
