//! Several nodes on one registry: one number for one label set, addresses and policies of the cluster on every node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use daemon::tasks::Tasks;
use observer::Config;
use proto::flow::agent_event::Notification;
use proto::flow::{AgentEventType, IpCacheNotification};
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::{EndpointState, GetLedgerRequest, ListIdentitiesRequest};
use registry::cluster::{Registry, RegistrySettings, RegistryUrl};
use tempfile::TempDir;
use tokio_stream::StreamExt;
use tonic::Streaming;

use crate::endpoints;
use crate::fixture::LONG;
use crate::planned::{Files, Life, until};

/// Nodes that share a directory.
pub(crate) struct Shared {
    directory: TempDir,
}

/// One node of them.
pub(crate) struct Member {
    pub(crate) files: Files,
    pub(crate) config: Config,
    pub(crate) life: Life,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn url(&self) -> RegistryUrl {
        RegistryUrl::File(self.directory.path().join("registry"))
    }

    /// Starts a node with these endpoints: name, role and address of each.
    pub(crate) async fn node(&self, name: &str, endpoints: &[(&str, &str, &str)]) -> Member {
        let files = Files::new();
        write_endpoints(&files, name, endpoints);
        files.write("policies/db.yaml", "");
        let config = Config {
            node: Some(name.to_owned()),
            registry: Some(self.url()),
            ..files.config()
        };
        let life = files.start_with(&config).await;
        Member {
            files,
            config,
            life,
        }
    }

    /// The registry as somebody has it who is no node.
    pub(crate) fn registry(&self) -> (Arc<dyn Registry>, Tasks) {
        let settings = RegistrySettings::new(self.url());
        let (registry, driver) = registry::cluster::open(settings).unwrap();
        let tasks = Tasks::new();
        tasks.spawn("registry", driver.run(tasks.cancellation()));
        (registry, tasks)
    }
}

fn write_endpoints(files: &Files, node: &str, endpoints: &[(&str, &str, &str)]) {
    let lines = endpoints.iter().map(|(name, role, ip)| {
        format!("{{name: {name}, namespace: shop, netns: no-{name}, ips: [{ip}], labels: {{role: {role}}}}}")
    });
    let lines = lines.collect::<Vec<_>>().join(",\n");
    let text = format!("node: {node}\nendpoints: [\n{lines}]\n");
    files.write("endpoints.yaml", &text);
}

/// Identities of a node's endpoints, by name.
async fn identities(member: &Member) -> BTreeMap<String, u32> {
    let request = proto::tycho::v1::ListEndpointsRequest::default();
    let answer = member
        .life
        .endpoints()
        .list_endpoints(request)
        .await
        .unwrap();
    let endpoints = answer.into_inner().endpoints.into_iter();
    endpoints.map(|one| (one.name, one.identity)).collect()
}

/// What the node's IP cache says newly of other nodes.
struct News(Streaming<GetAgentEventsResponse>);

impl News {
    async fn of(life: &Life) -> Self {
        let request = GetAgentEventsRequest {
            follow: true,
            since: Some(prost_types::Timestamp {
                seconds: 1,
                nanos: 0,
            }),
            ..GetAgentEventsRequest::default()
        };
        let mut client = ObserverClient::new(life.tcp.clone());
        Self(client.get_agent_events(request).await.unwrap().into_inner())
    }

    /// Waits for news of an address; what it was and is.
    async fn next(&mut self, cidr: &str) -> (AgentEventType, IpCacheNotification) {
        loop {
            let next = tokio::time::timeout(LONG, self.0.next()).await;
            let event = next
                .expect("it comes")
                .unwrap()
                .unwrap()
                .agent_event
                .unwrap();
            let kind = event.r#type();
            match event.notification {
                Some(Notification::IpcacheUpdate(news)) if news.cidr == cidr => {
                    return (kind, news);
                }
                _ => {}
            }
        }
    }
}

async fn warnings(life: &Life) -> Vec<String> {
    let mut ledger = LedgerClient::new(life.tcp.clone());
    let answer = ledger.get_ledger(GetLedgerRequest {}).await.unwrap();
    answer.into_inner().warnings
}

pub(crate) async fn warned(life: &Life, words: &[&str]) {
    until(async || {
        let warnings = warnings(life).await;
        let mut warnings = warnings.iter();
        warnings.any(|warning| words.iter().all(|word| warning.contains(word)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_label_set_has_one_number_on_every_node() {
    let shared = Shared::new();
    let (a, b, c) = tokio::join!(
        shared.node("a", &[("a1", "web", "10.1.0.1"), ("a2", "db", "10.1.0.2")]),
        shared.node("b", &[("b1", "db", "10.2.0.1"), ("b2", "web", "10.2.0.2")]),
        shared.node("c", &[("c1", "web", "10.3.0.1"), ("c2", "c", "10.3.0.2")]),
    );
    let numbers = [
        identities(&a).await,
        identities(&b).await,
        identities(&c).await,
    ];
    let (web, db, other) = (numbers[0]["a1"], numbers[0]["a2"], numbers[2]["c2"]);
    assert_eq!((web, db), (numbers[1]["b2"], numbers[1]["b1"]));
    assert_eq!(web, numbers[2]["c1"]);
    assert!(web != db && other != web && other != db);
    // Nodes try numbers in blocks: whichever block was the first to be written, none is below the range.
    assert!([web, db, other].iter().all(|number| *number >= 256));
    // Every node knows the labels of all of them, with the time since when it does.
    for member in [&a, &b, &c] {
        until(async || {
            let request = ListIdentitiesRequest::default();
            let answer = member.life.identities().list_identities(request).await;
            let listed = answer.unwrap().into_inner().identities;
            let role = "k8s:role=c".to_owned();
            let found = listed.iter().find(|one| one.identity == other);
            found.is_some_and(|one| one.labels.contains(&role) && one.from.is_some())
        })
        .await;
    }
    for member in [a, b, c] {
        member.life.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_one_node_is_known_by_address_on_the_others_until_it_goes() {
    let shared = Shared::new();
    let a = shared.node("a", &[("a1", "web", "10.1.0.1")]).await;
    let b = shared.node("b", &[]).await;
    let c = shared.node("c", &[("c1", "web", "10.3.0.1")]).await;
    let mut news = [News::of(&b.life).await, News::of(&c.life).await];
    let text = "{name: new, namespace: shop, netns: no-new, ips: [10.1.0.9], labels: {role: new}}";
    let added = endpoints::add(&a.life, text).await.unwrap();
    assert_ne!(added.identity, 0, "the call waits for the number");
    assert_eq!(added.state(), EndpointState::WaitingForInterface);
    for news in &mut news {
        let (kind, found) = news.next("10.1.0.9/32").await;
        assert_eq!(kind, AgentEventType::IpcacheUpserted);
        assert_eq!(
            (found.identity, found.pod_name.as_str()),
            (added.identity, "new")
        );
        assert_eq!(found.namespace, "shop");
    }
    let labelled = endpoints::label(&a.life, "shop/new", &[("role", "web")], &[]).await;
    let labelled = labelled.unwrap();
    assert_ne!(labelled.identity, added.identity);
    for news in &mut news {
        let (_, found) = news.next("10.1.0.9/32").await;
        assert_eq!(found.identity, labelled.identity);
        assert_eq!(found.old_identity.unwrap_or_default(), added.identity);
    }
    endpoints::remove(&a.life, "shop/new").await.unwrap();
    for news in &mut news {
        let (kind, _) = news.next("10.1.0.9/32").await;
        assert_eq!(kind, AgentEventType::IpcacheDeleted);
    }
    for member in [a, b, c] {
        member.life.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_claims_an_address_of_another_is_named() {
    let shared = Shared::new();
    let a = shared.node("a", &[("a1", "web", "10.1.0.1")]).await;
    let b = shared.node("b", &[("b1", "db", "10.1.0.1")]).await;
    let c = shared.node("c", &[]).await;
    let words = [
        "10.1.0.1",
        "shop/b1 of default/b",
        "shop/a1 of this node has it",
    ];
    warned(&a.life, &words).await;
    warned(
        &b.life,
        &[
            "10.1.0.1",
            "shop/a1 of default/a",
            "shop/b1 of this node has it",
        ],
    )
    .await;
    let words = [
        "10.1.0.1",
        "shop/a1 of default/a and by shop/b1 of default/b: the latter",
    ];
    warned(&c.life, &words).await;
    write_endpoints(&b.files, "b", &[]);
    until(async || {
        warnings(&c.life)
            .await
            .iter()
            .all(|one| !one.contains("10.1.0.1"))
    })
    .await;
    let mut news = News::of(&c.life).await;
    while news.next("10.1.0.1/32").await.1.pod_name != "a1" {}
    for member in [a, b, c] {
        member.life.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_restarts_with_what_it_knew_and_asks_whether_it_still_holds() {
    let shared = Shared::new();
    let a = shared.node("a", &[("a1", "web", "10.1.0.1")]).await;
    let before = identities(&a).await;
    let Member {
        files,
        config,
        life,
    } = a;
    life.end().await;
    // Everybody has forgotten: the node tells the registry what it has.
    std::fs::remove_dir_all(registry_directory(&config)).unwrap();
    let life = files.start_with(&config).await;
    let a = Member {
        files,
        config,
        life,
    };
    assert_eq!(identities(&a).await, before);
    let b = shared
        .node("b", &[("b1", "web", "10.2.0.1"), ("b2", "db", "10.2.0.2")])
        .await;
    let others = identities(&b).await;
    assert_eq!(others["b1"], before["a1"]);
    assert_ne!(others["b2"], before["a1"]);
    for member in [a, b] {
        member.life.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_became_somebody_elses_is_replaced_and_told() {
    let shared = Shared::new();
    let a = shared.node("a", &[("a1", "web", "10.1.0.1")]).await;
    let before = identities(&a).await["a1"];
    let Member {
        files,
        config,
        life,
    } = a;
    life.end().await;
    std::fs::remove_dir_all(registry_directory(&config)).unwrap();
    let b = shared.node("b", &[("b1", "other", "10.2.0.1")]).await;
    assert_eq!(
        identities(&b).await["b1"],
        before,
        "a new registry gives it anew"
    );
    let life = files.start_with(&config).await;
    let a = Member {
        files,
        config,
        life,
    };
    until(async || {
        let now = identities(&a).await["a1"];
        now != before && now != 0
    })
    .await;
    warned(&a.life, &["contradicted", "another identity"]).await;
    // And it becomes what it is elsewhere.
    let mut news = News::of(&a.life).await;
    let (_, found) = news.next("10.2.0.1/32").await;
    assert_eq!((found.identity, found.pod_name.as_str()), (before, "b1"));
    for member in [a, b] {
        member.life.end().await;
    }
}

fn registry_directory(config: &Config) -> &Path {
    match &config.registry {
        Some(RegistryUrl::File(path)) => path,
        other => panic!("{other:?}"),
    }
}
