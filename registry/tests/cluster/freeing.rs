//! Numbers that nobody uses: they rest, and are given again after that.

use std::time::Duration;

use policy::Identity;
use registry::cluster::RegistrySettings;

use crate::place::{PATIENCE, Part, Place, labels_of};

fn settings(place: &Place, name: &str, rest: Duration) -> RegistrySettings {
    RegistrySettings {
        rest,
        identities: 300..=302,
        ..place.node(name)
    }
}

/// What no node uses any more is free when it has rested.
async fn rest_and_reuse(place: Place) {
    let rest = Duration::from_secs(2);
    let a = Part::reached(settings(&place, "a", rest)).await;
    let b = Part::reached(settings(&place, "b", rest)).await;
    let one = a.allocate("k8s:n=1").await;
    let two = a.allocate("k8s:n=2").await;
    let three = a.allocate("k8s:n=3").await;
    assert_eq!(b.allocate("k8s:n=2").await, two);
    b.state("b knows them", |state| state.identities.len() == 3)
        .await;
    a.registry.release(one);
    a.registry.release(two);
    let state = b
        .state("the first is freed", |state| {
            !state.identities.contains_key(&one)
        })
        .await;
    assert_eq!(state.labels(two), Some(&labels_of("k8s:n=2")), "b uses it");
    b.registry.release(two);
    b.state("the other is freed too", |state| {
        !state.identities.contains_key(&two)
    })
    .await;
    a.state("a knows it too", |state| state.identities.len() == 1)
        .await;
    let again = [a.allocate("k8s:n=4").await, b.allocate("k8s:n=5").await];
    assert!(again == [one, two] || again == [two, one], "{again:?}");
    assert_eq!(b.allocate("k8s:n=3").await, three);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_files_rest() {
    rest_and_reuse(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_etcd_rest() {
    rest_and_reuse(Place::etcd()).await;
}

/// While numbers rest, they are not given, though nothing else is left.
async fn no_reuse_while_resting(place: Place) {
    // Longer than the test can take.
    let rest = PATIENCE * 60;
    let a = Part::reached(settings(&place, "a", rest)).await;
    let mut numbers: Vec<Identity> = Vec::new();
    for labels in ["k8s:n=1", "k8s:n=2", "k8s:n=3"] {
        numbers.push(a.allocate(labels).await);
    }
    for number in &numbers[..2] {
        a.registry.release(*number);
    }
    a.state("they are released", |state| state.users.len() == 1)
        .await;
    let error = a
        .registry
        .allocate(&labels_of("k8s:n=4"))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("of the 3 numbers 300 to 302"), "{text}");
    // A set that comes back has its number at once.
    assert_eq!(a.allocate("k8s:n=2").await, numbers[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_files_are_not_given_while_they_rest() {
    no_reuse_while_resting(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_in_etcd_are_not_given_while_they_rest() {
    no_reuse_while_resting(Place::etcd()).await;
}
