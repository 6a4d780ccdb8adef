//! What is put together node by node: namespaces and journals.

use proto::observer::{GetAgentEventsRequest, GetNamespacesRequest};
use proto::tycho::v1::journal_client::JournalClient;
use proto::tycho::v1::journal_entry::What;
use proto::tycho::v1::{GetJournalRequest, GetJournalResponse, JournalEntry, JournalKind};
use relay::Config;
use tonic::{Code, Status};

use crate::fixture::{TestNode, TestRelay, named};

async fn behind_a_relay(nodes: &[TestNode]) -> TestRelay {
    let nowhere = 1;
    let there = nodes.iter().map(|node| named(&node.name, node.port));
    let relay = TestRelay::with(Config {
        peers: there.chain([named("z", nowhere)]).collect(),
        ..Config::default()
    })
    .await;
    relay.connected(nodes.len()).await;
    relay
}

#[tokio::test]
async fn namespaces_are_named_once() {
    let mut nodes = [
        TestNode::start("a", 10_000).await,
        TestNode::start("b", 10_000).await,
    ];
    for node in &mut nodes {
        node.live(1);
        node.settle(u64::MAX).await;
    }
    let relay = behind_a_relay(&nodes).await;
    let answer = relay
        .client()
        .get_namespaces(GetNamespacesRequest {})
        .await
        .unwrap();
    let missing = answer.metadata().get("tycho-missing-nodes");
    assert_eq!(missing.unwrap(), "z");
    let names = answer.into_inner().namespaces;
    let names: Vec<String> = names
        .iter()
        .map(|one| format!("{}/{}", one.cluster, one.namespace))
        .collect();
    assert_eq!(names, ["default/shop"]);
    for node in nodes {
        node.end().await;
    }
    let waiting = async {
        loop {
            let refused = relay.client().get_namespaces(GetNamespacesRequest {}).await;
            if let Err(refused) = refused {
                return refused;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let refused = tokio::time::timeout(crate::fixture::LONG, waiting)
        .await
        .unwrap();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.message().starts_with("none of 3 nodes"),
        "{refused}"
    );
}

/// Endpoints of a node, each with a label of its own.
async fn endpoints(node: &TestNode, names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let listed = names.iter().enumerate().map(|(number, name)| {
        format!("- {{name: {name}, namespace: shop, netns: none-{number}, ips: [10.1.0.{number}], labels: {{role: {name}}}}}\n")
    });
    let text = format!(
        "node: {}\nendpoints:\n{}",
        node.name,
        listed.collect::<String>()
    );
    let path = directory.path().join("endpoints.yaml");
    std::fs::write(&path, text).unwrap();
    let config = observer::Config {
        state: directory.path().join("state"),
        ..observer::Config::new(path)
    };
    node.plan(&config).await;
    directory
}

async fn page(relay: &TestRelay, request: GetJournalRequest) -> Result<GetJournalResponse, Status> {
    let mut client = JournalClient::new(relay.channel.clone());
    Ok(client.get_journal(request).await?.into_inner())
}

fn short(entry: &JournalEntry) -> String {
    let Some(What::Endpoint(endpoint)) = &entry.what else {
        panic!("{entry:?}");
    };
    format!("{} {}", entry.node_name, endpoint.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn journals_come_node_by_node_in_pages() {
    let nodes = [
        TestNode::start("a", 10).await,
        TestNode::start("b", 10).await,
    ];
    let _files = [
        endpoints(&nodes[0], &["one", "two", "three"]).await,
        endpoints(&nodes[1], &["four", "five"]).await,
    ];
    let relay = behind_a_relay(&nodes).await;
    let request = GetJournalRequest {
        kinds: vec![JournalKind::JournalEndpoint.into()],
        ..GetJournalRequest::default()
    };
    for page_size in [0, 1, 2, 3, 4, 5, 6] {
        let mut request = GetJournalRequest {
            page_size,
            ..request.clone()
        };
        let (mut entries, mut extents, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let page = page(&relay, request.clone()).await.unwrap();
            assert!(page_size == 0 || page.entries.len() <= page_size as usize);
            entries.extend(page.entries.iter().map(short));
            extents.extend(page.extents.iter().map(|extent| extent.node_name.clone()));
            missing.extend(
                page.node_status
                    .iter()
                    .flat_map(|status| status.node_names.clone()),
            );
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        extents.dedup();
        assert_eq!(extents, ["default/a", "default/b"], "{page_size} a page");
        assert_eq!(missing, ["z"]);
        let of = |node: &str| {
            entries
                .iter()
                .filter(|entry| entry.starts_with(node))
                .count()
        };
        assert_eq!((of("default/a"), of("default/b"), entries.len()), (3, 2, 5));
        assert!(entries.is_sorted_by_key(|entry| entry.starts_with("default/b")));
        entries.sort();
        entries.dedup();
        assert_eq!(entries.len(), 5, "each once");
    }
    for (token, words) in [("x", "page_token"), ("a\nx", "page_token")] {
        let request = GetJournalRequest {
            page_token: token.to_owned(),
            ..request.clone()
        };
        let refused = page(&relay, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(words), "{refused}");
    }
    for node in nodes {
        node.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hubble_observers_give_what_they_have_and_are_named_where_they_have_nothing() {
    let tasks = daemon::tasks::Tasks::new();
    let (_hubble, mut node, relay) = crate::hubble::mixed(&tasks).await;
    node.live(1);
    node.settle(u64::MAX).await;
    let answer = relay.client().get_namespaces(GetNamespacesRequest {}).await;
    let answer = answer.unwrap();
    assert!(answer.metadata().get("tycho-missing-nodes").is_none());
    let names = answer.into_inner().namespaces;
    let names: Vec<&str> = names.iter().map(|one| one.namespace.as_str()).collect();
    assert_eq!(names, ["kube-system", "shop"]);

    crate::agent_events::add(&node, [1, 3]);
    let events = crate::agent_events::all(&relay, GetAgentEventsRequest::default()).await;
    assert_eq!(events, ["a:1", "h:2", "a:3"]);

    let _files = endpoints(&node, &["one"]).await;
    let page = page(&relay, GetJournalRequest::default()).await.unwrap();
    assert!(!page.entries.is_empty());
    assert_eq!(page.node_status.len(), 1);
    let status = &page.node_status[0];
    assert_eq!(status.node_names, ["h"]);
    assert_eq!(status.message, "its version does not have this call");
    node.end().await;
}
