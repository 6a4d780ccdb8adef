//! What calls have added and a file defines too. At a start the file wins, and nothing is lost; later the file waits.

use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::{GetLedgerRequest, Owner};
use tonic::Code;

use crate::endpoints::{self, BACKEND};
use crate::planned::{ENDPOINTS, Files, Life, until};
use crate::policies;

const OTHER: &str =
    "{name: batch, namespace: shop, netns: no-such-batch, ips: [10.1.0.14], labels: {role: batch}}";

/// The backend as the file has it, with another address than calls have given it.
const IN_THE_FILE: &str = "- {name: backend, namespace: shop, netns: by-file, ips: [10.1.0.99], labels: {role: backend}}\n";

/// The warnings about what the API has added.
async fn warnings(life: &Life) -> Vec<String> {
    let mut ledger = LedgerClient::new(life.tcp.clone());
    let answer = ledger.get_ledger(GetLedgerRequest {}).await.unwrap();
    let mut warnings = answer.into_inner().warnings;
    warnings.retain(|warning| warning.contains("of the API"));
    warnings
}

fn says(warnings: &[String], words: &[&str]) {
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for word in words {
        assert!(warnings[0].contains(word), "{word}: {warnings:?}");
    }
}

/// Each endpoint's name, its first address, and whose it is.
async fn in_use(life: &Life) -> Vec<(String, String, Owner)> {
    let all = endpoints::list(life, &[]).await.unwrap();
    let rows = all.into_iter().map(|one| {
        let owner = one.owner();
        (one.name, one.ipv4[0].clone(), owner)
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

fn has(rows: &[(String, String, Owner)], name: &str, ip: &str, owner: Owner) -> bool {
    rows.contains(&(name.to_owned(), ip.to_owned(), owner))
}

/// A node of which calls have added two endpoints, the first of which the file has too by now.
async fn with_a_clash(files: &Files) -> Life {
    let life = files.start().await;
    for text in [BACKEND, OTHER] {
        endpoints::add(&life, text).await.unwrap();
    }
    life.end().await;
    files.write("endpoints.yaml", &format!("{ENDPOINTS}{IN_THE_FILE}"));
    files.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_a_file_goes_before_that_of_a_call() {
    let files = Files::new();
    let kept = || std::fs::read_to_string(files.path("api/endpoints.yaml")).unwrap();
    let life = with_a_clash(&files).await;
    let rows = in_use(&life).await;
    assert_eq!(rows.len(), 4);
    assert!(has(&rows, "backend", "10.1.0.99", Owner::File), "{rows:?}");
    assert!(has(&rows, "batch", "10.1.0.14", Owner::Api), "{rows:?}");
    let file = files.path("endpoints.yaml").display().to_string();
    says(
        &warnings(&life).await,
        &[
            "api/endpoints.yaml:",
            &format!("the endpoint at {file}:"),
            "remove it from the file, or run `tycho endpoint remove shop/backend`",
        ],
    );
    let change = endpoints::label(&life, "shop/backend", &[("a", "b")], &[]).await;
    endpoints::refused(change, Code::FailedPrecondition, &["not in use", &file]);
    endpoints::label(&life, "shop/batch", &[("tier", "2")], &[])
        .await
        .unwrap();
    assert!(kept().contains("10.1.0.13"), "a later write keeps it");
    life.end().await;
    let life = files.start().await;
    assert_eq!(warnings(&life).await.len(), 1);
    let removed = endpoints::remove(&life, "shop/backend").await.unwrap();
    assert_eq!(
        (removed.number, removed.ipv4),
        (0, vec!["10.1.0.13".into()])
    );
    assert_eq!(warnings(&life).await, [""; 0]);
    assert_eq!(in_use(&life).await, rows);
    assert!(!kept().contains("10.1.0.13") && kept().contains("10.1.0.14"));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_leaves_the_file_is_that_of_the_call_again() {
    let files = Files::new();
    let life = with_a_clash(&files).await;
    // Something else of it is still taken.
    let address = "- {name: other, netns: o, ips: [10.1.0.13]}\n";
    files.write("endpoints.yaml", &format!("{ENDPOINTS}{address}"));
    until(async || has(&in_use(&life).await, "other", "10.1.0.13", Owner::File)).await;
    says(
        &warnings(&life).await,
        &["the address 10.1.0.13", "endpoint remove shop/backend"],
    );
    assert_eq!(in_use(&life).await.len(), 4);
    files.write("endpoints.yaml", ENDPOINTS);
    until(async || has(&in_use(&life).await, "backend", "10.1.0.13", Owner::Api)).await;
    assert_eq!(warnings(&life).await, [""; 0]);
    // From now on it is in use, and a file that clashes waits.
    files.write("endpoints.yaml", &format!("{ENDPOINTS}{IN_THE_FILE}"));
    let mut ledger = LedgerClient::new(life.tcp.clone());
    until(async || {
        let answer = ledger.get_ledger(GetLedgerRequest {}).await.unwrap();
        let warnings = answer.into_inner().warnings;
        let next = "or run `tycho endpoint remove shop/backend`";
        let waits = |one: &String| one.contains("file is not used") && one.contains(next);
        warnings.iter().any(waits)
    })
    .await;
    assert!(has(
        &in_use(&life).await,
        "backend",
        "10.1.0.13",
        Owner::Api
    ));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_clashes_with_an_addition_waits_until_it_does_not() {
    let files = Files::new();
    let life = files.start().await;
    endpoints::add(&life, BACKEND).await.unwrap();
    let more = format!("{ENDPOINTS}- {{name: other, netns: o, ips: [10.1.0.13]}}\n");
    files.write("endpoints.yaml", &more);
    let mut ledger = LedgerClient::new(life.tcp.clone());
    let mut warned = async |word: &str| {
        let answer = ledger.get_ledger(GetLedgerRequest {}).await.unwrap();
        let warnings = answer.into_inner().warnings;
        warnings.iter().any(|warning| warning.contains(word))
    };
    until(async || warned("10.1.0.13").await).await;
    assert!(warned("endpoint file is not used").await);
    assert!(warned("3 endpoints are not ready").await);
    assert_eq!(endpoints::list(&life, &[]).await.unwrap().len(), 3);
    endpoints::remove(&life, "shop/backend").await.unwrap();
    assert!(!warned("endpoint file is not used").await);
    let names: Vec<String> = endpoints::list(&life, &[])
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert!(names.contains(&"other".to_owned()), "{names:?}");
    life.end().await;
}

/// Name and owner of each policy.
async fn in_force(life: &Life) -> Vec<(String, String)> {
    let listed = policies::list(life).await.policies.into_iter();
    let rows = listed.map(|one| (one.name.unwrap_or_default().name, one.owner));
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

fn rows(expect: &[(&str, &str)]) -> Vec<(String, String)> {
    let rows = expect.iter();
    rows.map(|(name, owner)| ((*name).to_owned(), (*owner).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_a_file_goes_before_that_of_a_call() {
    let files = Files::new();
    let [one, two, three] = ["one", "two", "three"].map(policies::other);
    let life = files.start().await;
    policies::import(&life, &format!("{one}---{two}"))
        .await
        .unwrap();
    life.end().await;
    files.write("policies/one.yaml", &one);
    let kept = files.path("api/policies/CiliumNetworkPolicy.shop.one.yaml");
    let life = files.start().await;
    let clashing = rows(&[("db", "file"), ("one", "file"), ("two", "api")]);
    assert_eq!(in_force(&life).await, clashing);
    let words = [
        "CiliumNetworkPolicy.shop.one.yaml:",
        "policies/one.yaml:2",
        "remove it from the file, or run `tycho policy delete CiliumNetworkPolicy/shop/one`",
    ];
    says(&warnings(&life).await, &words);
    policies::import(&life, &three).await.unwrap();
    policies::delete(&life, "two").await.unwrap();
    assert!(kept.exists(), "later writes keep it");
    let again = policies::import(&life, &one).await;
    policies::refused(again, Code::AlreadyExists, &["policies/one.yaml:2"]);
    std::fs::remove_file(files.path("policies/one.yaml")).unwrap();
    let free = rows(&[("db", "file"), ("one", "api"), ("three", "api")]);
    until(async || in_force(&life).await == free).await;
    assert_eq!(warnings(&life).await, [""; 0]);
    life.end().await;
    files.write("policies/one.yaml", &one);
    let life = files.start().await;
    says(&warnings(&life).await, &words);
    policies::delete(&life, "one").await.unwrap();
    assert_eq!(warnings(&life).await, [""; 0]);
    assert!(!kept.exists());
    let ended = rows(&[("db", "file"), ("one", "file"), ("three", "api")]);
    assert_eq!(in_force(&life).await, ended);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_that_clashes_while_the_node_runs_says_what_to_do() {
    let files = Files::new();
    let life = files.start().await;
    policies::import(&life, &policies::other("one"))
        .await
        .unwrap();
    files.write("policies/one.yaml", &policies::other("one"));
    until(async || {
        let problem = policies::list(&life).await.problem;
        problem.contains("or run `tycho policy delete CiliumNetworkPolicy/shop/one`")
    })
    .await;
    policies::delete(&life, "one").await.unwrap();
    assert_eq!(policies::list(&life).await.problem, "");
    assert_eq!(
        in_force(&life).await,
        rows(&[("db", "file"), ("one", "file")])
    );
    life.end().await;
}
