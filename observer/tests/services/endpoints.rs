//! Endpoints as clients see them, and what calls may change of them.

use std::collections::HashMap;

use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::get_endpoint_request::Endpoint as Asked;
use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::{
    AddEndpointRequest, Endpoint, EndpointState, Enforcement, GetEndpointRequest, GetLedgerRequest,
    LabelEndpointRequest, ListEndpointsRequest, Owner, RemoveEndpointRequest,
};
use tonic::{Code, Status};

use crate::planned::{Files, Life, has_mode, until};

pub(crate) const BACKEND: &str = "{name: backend, namespace: shop, netns: no-such-backend, ips: [10.1.0.13], labels: {role: backend}}";

pub(crate) async fn list(life: &Life, selectors: &[&str]) -> Result<Vec<Endpoint>, Status> {
    let selectors = selectors.iter().map(|text| (*text).to_owned()).collect();
    let request = ListEndpointsRequest { selectors };
    let answer = life.endpoints().list_endpoints(request).await?.into_inner();
    assert_eq!(answer.node_name, "default/node-a");
    Ok(answer.endpoints)
}

async fn get(life: &Life, asked: Asked) -> Result<Endpoint, Status> {
    let request = GetEndpointRequest {
        endpoint: Some(asked),
    };
    Ok(life.endpoints().get_endpoint(request).await?.into_inner())
}

pub(crate) async fn add(life: &Life, text: &str) -> Result<Endpoint, Status> {
    let request = AddEndpointRequest {
        endpoint: text.to_owned(),
        namespace_labels: HashMap::new(),
    };
    Ok(life.endpoints().add_endpoint(request).await?.into_inner())
}

pub(crate) async fn label(
    life: &Life,
    name: &str,
    set: &[(&str, &str)],
    remove: &[&str],
) -> Result<Endpoint, Status> {
    let set = set.iter();
    let request = LabelEndpointRequest {
        name: name.to_owned(),
        set: set
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        remove: remove.iter().map(|key| (*key).to_owned()).collect(),
    };
    Ok(life.endpoints().label_endpoint(request).await?.into_inner())
}

pub(crate) async fn remove(life: &Life, name: &str) -> Result<Endpoint, Status> {
    let request = RemoveEndpointRequest {
        name: name.to_owned(),
    };
    let answer = life.endpoints().remove_endpoint(request).await?;
    Ok(answer.into_inner().endpoint.unwrap())
}

/// That a call was refused for this reason, in these words.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, words: &[&str]) {
    let status = result.unwrap_err();
    assert_eq!(status.code(), code, "{status}");
    for word in words {
        assert!(status.message().contains(word), "{word}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_shows_all_that_is_known_of_it() {
    let files = Files::new();
    let life = files.start().await;
    let all = list(&life, &[]).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0].number < all[1].number);
    let db = get(&life, Asked::Name("shop/db".to_owned())).await.unwrap();
    let source = files.path("endpoints.yaml").display().to_string() + ":5";
    assert_eq!((db.namespace.as_str(), db.name.as_str()), ("shop", "db"));
    assert_eq!(db.state(), EndpointState::WaitingForInterface);
    assert!(!db.state_reason.is_empty() && db.state_since.is_some());
    assert_eq!(
        db.labels,
        [
            "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop",
            "k8s:io.cilium.k8s.namespace.labels.team=web",
            "k8s:io.kubernetes.pod.namespace=shop",
            "k8s:role=db"
        ]
    );
    assert_eq!(
        (db.ipv4, db.ipv6),
        (vec!["10.1.0.12".to_owned()], vec!["fd00:1::12".to_owned()])
    );
    assert_eq!(
        (
            Enforcement::try_from(db.ingress),
            Enforcement::try_from(db.egress)
        ),
        (Ok(Enforcement::Enabled), Ok(Enforcement::Disabled))
    );
    assert_eq!(db.policies.len(), 1);
    assert_eq!(
        (db.mode.as_str(), db.spoofing.as_str()),
        ("enforce", "10.9.0.0/16")
    );
    assert_eq!(
        (db.ports["sql"], db.workload.as_str()),
        (5432, "StatefulSet/db")
    );
    assert_eq!(
        (Owner::try_from(db.owner), db.source),
        (Ok(Owner::File), source)
    );
    let frontend = get(&life, Asked::Ip("10.1.0.11".to_owned())).await.unwrap();
    assert_eq!(
        (frontend.name.as_str(), frontend.mode.as_str()),
        ("frontend", "audit")
    );
    let same = get(&life, Asked::Number(frontend.number)).await.unwrap();
    assert_eq!(same.name, "frontend");
    for (selectors, expect) in [
        (vec!["role=db"], 1),
        (vec!["role=db", "role=frontend"], 2),
        (vec!["team=web"], 0),
        (vec!["k8s:io.kubernetes.pod.namespace=shop"], 2),
    ] {
        assert_eq!(
            list(&life, &selectors).await.unwrap().len(),
            expect,
            "{selectors:?}"
        );
    }
    refused(
        list(&life, &["role in (a"]).await,
        Code::InvalidArgument,
        &["selectors[0]"],
    );
    refused(
        get(&life, Asked::Ip("x".to_owned())).await,
        Code::InvalidArgument,
        &["ip:"],
    );
    let missing = get(&life, Asked::Name("db".to_owned())).await;
    refused(missing, Code::NotFound, &["shop/db", "shop/frontend"]);
    refused(
        get(&life, Asked::Number(0)).await,
        Code::NotFound,
        &["number 0"],
    );
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_calls_add_survives_a_restart() {
    let files = Files::new();
    let life = files.start().await;
    let added = add(&life, BACKEND).await.unwrap();
    assert_eq!(Owner::try_from(added.owner), Ok(Owner::Api));
    let kept = files.path("api/endpoints.yaml");
    assert!(
        added.source.starts_with(kept.to_str().unwrap()),
        "{}",
        added.source
    );
    assert!(has_mode(&kept, 0o600) && has_mode(&files.path("api"), 0o700));
    let labelled = label(&life, "shop/backend", &[("tier", "2")], &[])
        .await
        .unwrap();
    assert!(labelled.labels.contains(&"k8s:tier=2".to_owned()));
    assert_ne!(labelled.identity, added.identity);
    life.end().await;
    let life = files.start().await;
    let again = get(&life, Asked::Name("shop/backend".to_owned()))
        .await
        .unwrap();
    assert_eq!(
        (again.number, again.identity),
        (added.number, labelled.identity)
    );
    let back = label(&life, "shop/backend", &[], &["tier"]).await.unwrap();
    assert_eq!(
        back.identity, added.identity,
        "the same labels, the same number"
    );
    let removed = remove(&life, "shop/backend").await.unwrap();
    assert_eq!(removed.number, added.number);
    assert_eq!(list(&life, &[]).await.unwrap().len(), 2);
    life.end().await;
    let life = files.start().await;
    assert_eq!(list(&life, &[]).await.unwrap().len(), 2);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let files = Files::new();
    let life = files.start().await;
    let added = add(&life, BACKEND).await.unwrap();
    let before = list(&life, &[]).await.unwrap();
    let kept = std::fs::read_to_string(files.path("api/endpoints.yaml")).unwrap();
    let file = files.path("endpoints.yaml").display().to_string();
    for (text, code, words) in [
        (
            "{name: x, netns: x, ips: [10.0.0]}",
            Code::InvalidArgument,
            vec!["ips[0]"],
        ),
        ("[", Code::InvalidArgument, vec!["endpoint:"]),
        (
            "{name: db, namespace: shop, netns: x, ips: [10.0.0.1]}",
            Code::AlreadyExists,
            vec![
                "the name `shop/db`",
                "endpoint `shop/db`, defined by",
                &format!("{file}:5"),
            ],
        ),
        (
            "{name: x, netns: x, ips: [10.1.0.11]}",
            Code::AlreadyExists,
            vec!["10.1.0.11", &format!("{file}:14")],
        ),
        (
            "{name: x, netns: no-such-db, ips: [10.0.0.1]}",
            Code::AlreadyExists,
            vec!["no-such-db"],
        ),
        (
            BACKEND,
            Code::AlreadyExists,
            vec![
                "name `shop/backend`",
                "added through the API",
                &added.source,
            ],
        ),
        (
            "{name: x, netns: no-such-backend, ips: [10.0.0.1]}",
            Code::AlreadyExists,
            vec!["no-such-backend", &added.source],
        ),
    ] {
        refused(add(&life, text).await, code, &words);
    }
    let of_file = [file.as_str(), "labels:"];
    refused(
        label(&life, "shop/db", &[("a", "b")], &[]).await,
        Code::FailedPrecondition,
        &of_file,
    );
    refused(
        remove(&life, "shop/db").await,
        Code::FailedPrecondition,
        &[&format!("{file}:5")],
    );
    refused(remove(&life, "shop/x").await, Code::NotFound, &["shop/x"]);
    refused(remove(&life, "").await, Code::InvalidArgument, &["name"]);
    refused(
        label(&life, "shop/backend", &[], &[]).await,
        Code::InvalidArgument,
        &["set"],
    );
    refused(
        label(&life, "shop/backend", &[], &["x"]).await,
        Code::InvalidArgument,
        &["role"],
    );
    let bad = label(&life, "shop/backend", &[("a b", "c")], &[]).await;
    refused(bad, Code::InvalidArgument, &["labels.a b"]);
    assert_eq!(list(&life, &[]).await.unwrap(), before);
    let after = std::fs::read_to_string(files.path("api/endpoints.yaml")).unwrap();
    assert_eq!(after, kept);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_unix_socket_changes_anything() {
    let files = Files::new();
    let life = files.start().await;
    let mut client = EndpointsClient::new(life.tcp.clone());
    client
        .list_endpoints(ListEndpointsRequest::default())
        .await
        .unwrap();
    let words = ["Unix socket", "--server unix://"];
    let request = AddEndpointRequest {
        endpoint: BACKEND.to_owned(),
        ..AddEndpointRequest::default()
    };
    refused(
        client.add_endpoint(request).await,
        Code::PermissionDenied,
        &words,
    );
    let request = RemoveEndpointRequest::default();
    refused(
        client.remove_endpoint(request).await,
        Code::PermissionDenied,
        &words,
    );
    let request = LabelEndpointRequest::default();
    refused(
        client.label_endpoint(request).await,
        Code::PermissionDenied,
        &words,
    );
    assert!(!files.path("api").exists());
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_a_namespace_come_with_its_first_endpoint() {
    let files = Files::new();
    let life = files.start().await;
    let asked = |name: &str, namespace: &str, ip: &str, team: &str| AddEndpointRequest {
        endpoint: format!("{{name: {name}, namespace: {namespace}, netns: {name}, ips: [{ip}]}}"),
        namespace_labels: HashMap::from([("team".to_owned(), team.to_owned())]),
    };
    let mut client = life.endpoints();
    let added = client
        .add_endpoint(asked("a", "bank", "10.2.0.1", "red"))
        .await
        .unwrap();
    let label = "k8s:io.cilium.k8s.namespace.labels.team=red".to_owned();
    assert!(added.into_inner().labels.contains(&label));
    for request in [
        asked("b", "bank", "10.2.0.2", "blue"),
        asked("b", "shop", "10.2.0.2", "x"),
    ] {
        let words = ["namespace_labels", "leave them out"];
        refused(
            client.add_endpoint(request).await,
            Code::InvalidArgument,
            &words,
        );
    }
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_label_filter_is_followed_and_a_bad_one_is_named() {
    let files = Files::new();
    files.write("labels", "!role # for now\n");
    let mut config = files.config();
    config.label_filter = Some(files.path("labels"));
    let life = files.start_with(&config).await;
    let identities = async || {
        let all = list(&life, &[]).await.unwrap();
        [all[0].identity, all[1].identity]
    };
    let [first, second] = identities().await;
    assert_eq!(first, second, "nothing else tells them apart");
    files.write("labels", "\na*b\n");
    let mut ledger = LedgerClient::new(life.unix.clone());
    until(async || {
        let answer = ledger.get_ledger(GetLedgerRequest {}).await.unwrap();
        let warnings = answer.into_inner().warnings;
        warnings.iter().any(|warning| warning.contains("labels:2"))
    })
    .await;
    assert_eq!(
        identities().await,
        [first, second],
        "the last good state stays"
    );
    files.write("labels", "!none\n");
    until(async || {
        let [first, second] = identities().await;
        first != second
    })
    .await;
    life.end().await;
}
