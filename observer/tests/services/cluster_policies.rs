//! Policies of the registry: in force on every node, beside the node's own.

use registry::cluster::PolicyEntry;
use tonic::Code;

use crate::cluster::{Member, Shared, warned};
use crate::fixture::LONG;
use crate::planned::until;
use crate::policies;

fn entry(name: &str, yaml: &str) -> PolicyEntry {
    PolicyEntry {
        name: name.to_owned(),
        yaml: yaml.to_owned(),
        origin: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_the_registry_hold_on_every_node() {
    let shared = Shared::new();
    let a = shared.node("a", &[("a1", "web", "10.1.0.1")]).await;
    let b = shared.node("b", &[("b1", "web", "10.2.0.1")]).await;
    let (registry, tasks) = shared.registry();
    let [one, two] = ["one", "two"].map(policies::other);
    registry.put_policy(entry("first", &one)).await.unwrap();
    let in_force = async |member: &Member| -> Vec<(String, String)> {
        let listed = policies::list(&member.life).await.policies.into_iter();
        let rows = listed.map(|one| (one.name.unwrap_or_default().name, one.owner));
        rows.collect()
    };
    let expect = |names: &[&str]| -> Vec<(String, String)> {
        let names = names.iter();
        names
            .map(|name| ((*name).to_owned(), "registry".to_owned()))
            .collect()
    };
    for member in [&a, &b] {
        until(async || in_force(member).await == expect(&["one"])).await;
    }
    let deleted = policies::delete(&a.life, "one").await;
    let words = [
        "in the cluster's registry",
        "tycho registry policy delete first",
    ];
    policies::refused(deleted, Code::FailedPrecondition, &words);
    let imported = policies::import(&a.life, &one).await;
    policies::refused(imported, Code::AlreadyExists, &["registry:first:2"]);
    // All or nothing.
    registry
        .put_policy(entry("broken", "kind: Nonsense"))
        .await
        .unwrap();
    registry.put_policy(entry("second", &two)).await.unwrap();
    let words = [
        "policies of the registry are not in force",
        "registry:broken:1",
    ];
    warned(&b.life, &words).await;
    assert_eq!(in_force(&b).await, expect(&["one"]));
    registry.delete_policy("broken").await.unwrap();
    for member in [&a, &b] {
        until(async || in_force(member).await == expect(&["one", "two"])).await;
    }
    let Member {
        files,
        config,
        life,
    } = b;
    life.end().await;
    // At a start the node's own files win.
    files.write("policies/one.yaml", &one);
    let life = files.start_with(&config).await;
    let words = [
        "a policy of the registry is not in force",
        "remove it from the file, or run `tycho registry policy delete first`",
    ];
    warned(&life, &words).await;
    life.end().await;
    a.life.end().await;
    tasks.shutdown(LONG).await.unwrap();
}
