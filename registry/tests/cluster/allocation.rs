//! One number for each label set, whoever asks, and when.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use policy::Identity;
use registry::cluster::{RegistryError, RegistrySettings, Verified};

use crate::place::{Part, Place, labels_of};

const SETS: usize = 60;

fn set(number: usize) -> String {
    format!("k8s:app=app-{number},k8s:tier=t{}", number % 3)
}

/// Ten nodes ask for the same sets at the same time, each in another order.
async fn ten_nodes_ask(place: &Place) -> BTreeMap<String, BTreeSet<u32>> {
    let parts = (0..10).map(|node| Part::reached(place.node(&format!("n{node}"))));
    let parts = join_all(parts).await;
    let asked = parts.iter().enumerate().map(|(node, part)| async move {
        let sets = (0..SETS).map(|number| set((number * 7 + node * 13) % SETS));
        let asked = sets.map(|labels| async move {
            let identity = part.allocate(&labels).await;
            (labels, identity.0)
        });
        // Several at once from each node too.
        join_all(asked).await
    });
    let mut numbers: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (labels, number) in join_all(asked).await.into_iter().flatten() {
        numbers.entry(labels).or_default().insert(number);
    }
    // Every node also reads the same.
    for part in &parts {
        let state = part
            .state("all sets are known", |state| {
                state.identity_of.len() == SETS
            })
            .await;
        for (labels, identity) in state.identity_of.iter() {
            assert_eq!(numbers[&labels.to_string()], [identity.0].into());
        }
    }
    numbers
}

async fn one_number_each(place: Place) {
    let numbers = ten_nodes_ask(&place).await;
    assert_eq!(numbers.len(), SETS);
    let different: BTreeSet<&BTreeSet<u32>> = numbers.values().collect();
    assert_eq!(different.len(), SETS, "{numbers:?}");
    assert!(
        numbers.values().all(|numbers| numbers.len() == 1),
        "{numbers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_get_one_number_for_each_set_from_files() {
    one_number_each(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_get_one_number_for_each_set_from_etcd() {
    one_number_each(Place::etcd()).await;
}

/// When all numbers are given, that is an error with the count; none is given twice.
async fn exhaustion(place: Place) {
    let settings = |name| RegistrySettings {
        identities: 300..=304,
        ..place.node(name)
    };
    let parts = [
        Part::reached(settings("a")).await,
        Part::reached(settings("b")).await,
    ];
    let mut given = BTreeSet::new();
    for number in 0..5 {
        let identity = parts[number % 2].allocate(&set(number)).await;
        assert!((300..=304).contains(&identity.0));
        assert!(given.insert(identity), "{identity} was given twice");
    }
    for part in &parts {
        let error = part.registry.allocate(&labels_of("k8s:one=more")).await;
        let error = error.unwrap_err();
        let RegistryError::Exhausted { used, resting, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!((*used, *resting), (5, 0));
        let text = error.to_string();
        assert!(
            text.contains("of the 5 numbers 300 to 304, 5 are in use"),
            "{text}"
        );
        // What there is goes on.
        assert_eq!(part.allocate(&set(0)).await, part.allocate(&set(0)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_is_given_twice_when_files_have_none_left() {
    exhaustion(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_is_given_twice_when_etcd_has_none_left() {
    exhaustion(Place::etcd()).await;
}

/// What `verify` says of numbers that a node knows from elsewhere.
async fn verification(place: Place) {
    let part = Part::reached(place.node("a")).await;
    let frontend = part.allocate("k8s:role=frontend").await;
    let backend = part.allocate("k8s:role=backend").await;
    let check = async |number: u32, labels: &str, expect: Verified| {
        let verified = part.registry.verify(Identity(number), &labels_of(labels));
        assert_eq!(verified.await.unwrap(), expect, "{number} {labels}");
    };
    let differs = |identity_of_labels: Option<Identity>, labels: Option<&str>| Verified::Differs {
        identity_of_labels,
        labels_of_identity: labels.map(labels_of),
    };
    check(frontend.0, "k8s:role=frontend", Verified::Confirmed).await;
    check(
        backend.0,
        "k8s:role=frontend",
        differs(Some(frontend), Some("k8s:role=backend")),
    )
    .await;
    check(
        frontend.0,
        "k8s:role=other",
        differs(None, Some("k8s:role=frontend")),
    )
    .await;
    check(40_000, "k8s:role=frontend", differs(Some(frontend), None)).await;
    // Neither is known: the node's memory is the only one, and holds for all from now on.
    check(40_000, "k8s:role=new", Verified::Confirmed).await;
    assert_eq!(part.allocate("k8s:role=new").await, Identity(40_000));
    // A number that is never given is not brought in so.
    check(100, "k8s:role=newer", differs(None, None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_verified_against_files() {
    verification(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_verified_against_etcd() {
    verification(Place::etcd()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused() {
    let place = Place::file();
    let part = Part::reached(place.node("a")).await;
    let check = async |labels: &policy::LabelSet, reason: &str| {
        let error = part.registry.allocate(labels).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    };
    let long = format!("k8s:a={}", "x".repeat(40_000));
    check(&labels_of(&long), "the most").await;
    let odd = policy::Label::new("a=b", "c", "d");
    check(&[odd].into_iter().collect(), "other labels").await;
    let reader = Part::reached(place.reader()).await;
    let error = reader.registry.allocate(&labels_of("k8s:a=b")).await;
    let error = error.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("only a node can"), "{cause}");
}
