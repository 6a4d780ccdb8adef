//! An etcd that stops, forgets, is another's, or cannot be reached from one node.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Duration;

use futures_util::future::join_all;
use registry::cluster::{
    Contact, RegistryError, RegistryHealth, RegistrySettings, Verified, first_contact,
};

use crate::etcd::Etcd;
use crate::place::{PATIENCE, Part, endpoint, endpoints, labels_of, node, node_entry};
use crate::swallow::Proxy;

fn is_away(health: &RegistryHealth) -> bool {
    matches!(health.contact, Contact::Away { .. })
}

/// In an outage a set that is known has its number without a question.
async fn number(part: &Part, labels: &str) -> u32 {
    let allocated = part.registry.allocate(&labels_of(labels)).await;
    allocated.unwrap().identity.0
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_stay_through_restarts_in_the_middle_of_allocations() {
    let mut etcd = Etcd::start();
    let parts = (0..10).map(|number| Part::reached(node(&etcd.url(), &format!("n{number}"))));
    let parts = join_all(parts).await;
    let sets: Vec<String> = (0..120).map(|number| format!("k8s:n={number}")).collect();
    let mut numbers: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (round, some) in sets.chunks(40).enumerate() {
        let asked = parts.iter().map(|part| async move {
            let asked = some
                .iter()
                .map(|labels| async move { (labels.as_str(), number(part, labels).await) });
            join_all(asked).await
        });
        let restart = async {
            // At another moment of each round.
            tokio::time::sleep(Duration::from_millis(10 * round as u64)).await;
            etcd.stop();
            etcd.resume();
        };
        let (asked, ()) = tokio::join!(join_all(asked), restart);
        for (labels, number) in asked.into_iter().flatten() {
            numbers.entry(labels).or_default().insert(number);
        }
    }
    // And once more, when all is quiet: every set has the number it had.
    for part in &parts {
        for labels in &sets {
            let number = number(part, labels).await;
            numbers.entry(labels).or_default().insert(number);
        }
    }
    assert!(numbers.values().all(|each| each.len() == 1), "{numbers:?}");
    let different: BTreeSet<_> = numbers.values().collect();
    assert_eq!(different.len(), sets.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_on_while_etcd_is_away() {
    let mut etcd = Etcd::start();
    let state = tempfile::tempdir().unwrap();
    let settings = RegistrySettings {
        state: Some(state.path().to_owned()),
        call_timeout: Duration::from_secs(1),
        ..node(&etcd.url(), "a")
    };
    let a = Part::reached(settings.clone()).await;
    let identity = a.allocate("k8s:role=frontend").await;
    a.publish(
        node_entry("a", 1),
        vec![endpoint("a", "f1", "10.0.0.1", identity)],
    )
    .await;
    etcd.stop();
    let health = a.health("it is away", is_away).await;
    assert_eq!(health.losses, 1);
    assert!(!health.published);
    let known = a.registry.state().borrow().clone();
    assert_eq!(endpoints(&known), "c/a:shop/f1");
    // A known set has its number, an unknown one an error at once.
    let again = a
        .registry
        .allocate(&labels_of("k8s:role=frontend"))
        .await
        .unwrap();
    assert_eq!((again.identity, again.confirmed), (identity, false));
    let error = a
        .registry
        .allocate(&labels_of("k8s:role=new"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("cannot be used now"), "{error}");
    assert!(error.source().is_some());

    // A process that starts now begins with what was known.
    a.stop().await;
    let a = Part::start(settings);
    let kept = a.registry.state().borrow().clone();
    assert_eq!(endpoints(&kept), "c/a:shop/f1");
    assert_eq!(kept.labels(identity), Some(&labels_of("k8s:role=frontend")));
    a.registry.publish_node(node_entry("a", 2));
    a.registry.publish_endpoints(vec![]);
    a.health("it is away", is_away).await;

    etcd.resume();
    a.health("it is back", RegistryHealth::is_connected).await;
    a.state("what was said meanwhile is done", |state| {
        state.endpoints.is_empty() && state.nodes["c/a"].epoch == 2
    })
    .await;
    assert_eq!(a.allocate("k8s:role=frontend").await, identity);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compacted_away_is_listed_anew() {
    let etcd = Etcd::start();
    let proxy = Proxy::start(etcd.port).await;
    let a = Part::reached(node(&etcd.url(), "a")).await;
    let identity = a.allocate("k8s:role=frontend").await;
    let other = a.allocate("k8s:role=other").await;
    let frontend = |name: &str, ip: &str| endpoint("a", name, ip, identity);
    a.publish(
        node_entry("a", 1),
        vec![frontend("f1", "10.0.0.1"), frontend("f2", "10.0.0.2")],
    )
    .await;
    let b = Part::reached(RegistrySettings {
        call_timeout: Duration::from_secs(1),
        ..node(&proxy.url(), "b")
    })
    .await;
    b.state("the endpoints are there", |state| {
        state.endpoints.len() == 2
    })
    .await;
    proxy.swallow();
    b.health("it is away", is_away).await;
    // While it is: one comes, one goes, and etcd forgets how that was.
    a.publish(
        node_entry("a", 1),
        vec![frontend("f2", "10.0.0.2"), frontend("f3", "10.0.0.3")],
    )
    .await;
    let revision = etcd.revision();
    etcd.ctl(&["compact", &revision.to_string()]);
    proxy.pass();
    let state = b
        .state("it is as if it had never been away", |state| {
            endpoints(state) == "c/a:shop/f2 c/a:shop/f3"
        })
        .await;
    assert_eq!(state.labels(other), Some(&labels_of("k8s:role=other")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_returns_verifies_its_identities() {
    let etcd = Etcd::start();
    let proxy = Proxy::start(etcd.port).await;
    let a = Part::reached(RegistrySettings {
        call_timeout: Duration::from_secs(1),
        ..node(&proxy.url(), "a")
    })
    .await;
    let kept = a.allocate("k8s:role=kept").await;
    let lost = a.allocate("k8s:role=lost").await;
    let freed = a.allocate("k8s:role=freed").await;
    a.publish(
        node_entry("a", 1),
        [kept, lost, freed]
            .iter()
            .zip(["f1", "f2", "f3"])
            .map(|(identity, name)| endpoint("a", name, "10.0.0.1", *identity))
            .collect(),
    )
    .await;
    let b = Part::reached(node(&etcd.url(), "b")).await;
    proxy.swallow();
    a.health("it is away", is_away).await;
    b.state("the lost node is gone", |state| {
        state.endpoints.is_empty() && state.users.is_empty()
    })
    .await;
    // As after a rest: one number was freed and given to others, one was freed.
    for (identity, labels) in [(lost, "k8s:role=lost"), (freed, "k8s:role=freed")] {
        let number = format!("/tycho/identities/by-number/{:05}", identity.0);
        etcd.ctl(&["del", &number]);
        etcd.ctl(&["del", &format!("/tycho/identities/by-labels/{labels}")]);
    }
    b.state("they are freed", |state| state.identities.len() == 1)
        .await;
    let usurper = b
        .registry
        .verify(lost, &labels_of("k8s:role=usurper"))
        .await;
    assert_eq!(usurper.unwrap(), Verified::Confirmed);

    proxy.pass();
    let health = a
        .health("it is back and has looked", |health| {
            health.is_connected() && health.published
        })
        .await;
    assert_eq!(
        *health.distrusted,
        [(lost, labels_of("k8s:role=lost"))].into(),
        "one number is not trusted"
    );
    // What it trusts is published again, the rest is not.
    b.state("the trusted endpoints are back", |state| {
        endpoints(state) == "c/a:shop/f1 c/a:shop/f3"
    })
    .await;
    let state = b
        .state("the freed number is back", |state| {
            state.identities.len() == 3
        })
        .await;
    assert_eq!(state.labels(freed), Some(&labels_of("k8s:role=freed")));
    // The labels get a number of their own, and all is well.
    let anew = a.allocate("k8s:role=lost").await;
    assert_ne!(anew, lost);
    a.health("nothing is distrusted", |health| {
        health.distrusted.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_etcd_is_refused() {
    let mut etcd = Etcd::start();
    let state = tempfile::tempdir().unwrap();
    let settings = RegistrySettings {
        state: Some(state.path().to_owned()),
        ..node(&etcd.url(), "a")
    };
    let a = Part::reached(settings.clone()).await;
    let identity = a.allocate("k8s:role=frontend").await;
    a.state("the identity is known", |state| state.identities.len() == 1)
        .await;
    etcd.stop();
    etcd.wipe();
    etcd.resume();
    let refused = |health: &RegistryHealth| matches!(health.contact, Contact::Refused { .. });
    let health = a.health("it is refused", refused).await;
    let Contact::Refused { error, .. } = &health.contact else {
        unreachable!();
    };
    let text = error.to_string();
    let file = state.path().join("cluster-id");
    for part in [
        "holds no cluster",
        "restore etcd",
        &file.display().to_string(),
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(
        a.registry.state().borrow().labels(identity),
        Some(&labels_of("k8s:role=frontend"))
    );
    assert_eq!(
        etcd.ctl(&["get", "--prefix", "/", "--keys-only"]),
        "",
        "nothing was written"
    );
    // So after a restart of the node.
    a.stop().await;
    let a = Part::start(settings.clone());
    let error = first_contact(&*a.registry, PATIENCE).await.unwrap_err();
    assert!(matches!(*error, RegistryError::Wiped { .. }), "{error:?}");
    a.stop().await;
    // Whoever removes the file, as the error says, begins anew.
    std::fs::remove_file(file).unwrap();
    let a = Part::reached(settings).await;
    assert!(a.registry.state().borrow().identities.is_empty());
    a.allocate("k8s:role=frontend").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_etcd_is_refused_also_in_the_middle_of_a_session() {
    let etcd = Etcd::start();
    let foreign = Etcd::start();
    let state = tempfile::tempdir().unwrap();
    let settings = |url: String| RegistrySettings {
        state: Some(state.path().to_owned()),
        ..node(&url, "a")
    };
    let other = Part::reached(node(&foreign.url(), "b")).await;
    other.allocate("k8s:role=foreign").await;
    let a = Part::reached(settings(etcd.url())).await;
    a.stop().await;
    let a = Part::start(settings(foreign.url()));
    let error = first_contact(&*a.registry, PATIENCE).await.unwrap_err();
    let RegistryError::Foreign {
        found, expected, ..
    } = &*error
    else {
        panic!("{error:?}");
    };
    assert_ne!(found, expected);
    assert!(
        a.registry.state().borrow().identities.is_empty(),
        "nothing of it is taken"
    );
    let error = a
        .registry
        .allocate(&labels_of("k8s:role=x"))
        .await
        .unwrap_err();
    assert!(matches!(error, RegistryError::Foreign { .. }), "{error:?}");
    // Each write holds the id against the etcd's, should that change under an open session.
    foreign.ctl(&["put", "/tycho/cluster-id", "\"another\""]);
    let error = other
        .registry
        .allocate(&labels_of("k8s:role=y"))
        .await
        .unwrap_err();
    assert!(matches!(error, RegistryError::Foreign { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_nobody_understands_are_left_out_and_told() {
    let etcd = Etcd::start();
    let a = Part::reached(node(&etcd.url(), "a")).await;
    etcd.ctl(&["put", "/tycho/nodes/c/odd", "no JSON"]);
    etcd.ctl(&["put", "/tycho/rubbish", "{}"]);
    etcd.ctl(&["put", "/other/key", "not ours"]);
    let health = a
        .health("two are left out", |health| health.ignored == 2)
        .await;
    let example = health.ignored_example.as_ref().unwrap();
    assert!(example.starts_with("nodes/c/odd: expected"), "{example}");
    etcd.ctl(&["del", "/tycho/nodes/c/odd"]);
    etcd.ctl(&["del", "/tycho/rubbish"]);
    a.health("none is left out", |health| health.ignored == 0)
        .await;
}
