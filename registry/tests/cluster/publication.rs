//! What a node says of itself, and when it stops being said.

use std::sync::Arc;

use policy::Identity;
use registry::cluster::{Change, PolicyEntry, RegistryHealth, ServiceEntry, ServicePort, changes};

use crate::place::{Part, Place, endpoint, endpoints, node_entry};

/// What one node publishes, the others read; only differences are written.
async fn seen_by_others(place: Place) {
    let a = Part::reached(place.node("a")).await;
    let b = Part::reached(place.node("b")).await;
    let identity = a.allocate("k8s:role=frontend").await;
    let frontend = |name: &str, ip: &str| endpoint("a", name, ip, identity);
    a.publish(
        node_entry("a", 1),
        vec![frontend("f1", "10.0.0.1"), frontend("f2", "10.0.0.2")],
    )
    .await;
    let before = b
        .state("both endpoints are there", |state| {
            endpoints(state) == "c/a:shop/f1 c/a:shop/f2"
        })
        .await;
    assert_eq!(before.nodes["c/a"], Arc::new(node_entry("a", 1)));
    assert_eq!(
        before.users[&identity]
            .iter()
            .map(|name| &**name)
            .collect::<Vec<_>>(),
        ["c/a"]
    );

    // One changes, one stays, one goes, one comes.
    a.publish(
        node_entry("a", 1),
        vec![frontend("f2", "10.0.0.9"), frontend("f3", "10.0.0.3")],
    )
    .await;
    let after = b
        .state("the endpoints are the new ones", |state| {
            endpoints(state) == "c/a:shop/f2 c/a:shop/f3"
        })
        .await;
    let found: Vec<String> = changes(&before.endpoints, &after.endpoints)
        .iter()
        .map(|change| match change {
            Change::Added(key, _) => format!("+{}", key.name),
            Change::Changed(key, _, new) => format!("{}={}", key.name, new.ips[0]),
            Change::Removed(key, _) => format!("-{}", key.name),
        })
        .collect();
    assert_eq!(found, ["-shop/f1", "shop/f2=10.0.0.9", "+shop/f3"]);

    // It withdraws: nothing of it remains.
    a.registry.withdraw().await.unwrap();
    b.state("the node is gone", |state| {
        state.nodes.is_empty() && state.endpoints.is_empty() && state.users.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_each_others_endpoints_in_files() {
    seen_by_others(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_see_each_others_endpoints_in_etcd() {
    seen_by_others(Place::etcd()).await;
}

/// A node whose process has died goes when its lease is over; one that starts again in time never goes.
async fn death_and_return(place: Place) {
    let b = Part::reached(place.node("b")).await;
    let a = Part::reached(place.node("a")).await;
    let identity = a.allocate("k8s:role=frontend").await;
    a.publish(
        node_entry("a", 1),
        vec![endpoint("a", "f1", "10.0.0.1", identity)],
    )
    .await;
    b.state("the endpoint is there", |state| state.endpoints.len() == 1)
        .await;
    let mut seen = b.registry.state();

    // A restart: the new process knows the identity from its own notes, and has one endpoint more.
    a.stop().await;
    let a = Part::reached(place.node("a")).await;
    let labels = crate::place::labels_of("k8s:role=frontend");
    a.registry.verify(identity, &labels).await.unwrap();
    a.publish(
        node_entry("a", 2),
        vec![
            endpoint("a", "f1", "10.0.0.1", identity),
            endpoint("a", "f2", "10.0.0.2", identity),
        ],
    )
    .await;
    while seen.borrow_and_update().endpoints.len() != 2 {
        assert!(
            !seen.borrow().endpoints.is_empty(),
            "the restart was seen as a death"
        );
        seen.changed().await.unwrap();
    }
    a.stop().await;
    b.state("the dead node is gone", |state| {
        state.nodes.is_empty() && state.endpoints.is_empty() && state.users.is_empty()
    })
    .await;
    // The number still has its meaning.
    assert_eq!(b.allocate("k8s:role=frontend").await, identity);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_node_leaves_files_after_its_lease() {
    death_and_return(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_node_leaves_etcd_after_its_lease() {
    death_and_return(Place::etcd()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_with_one_name_the_later_publishes() {
    let place = Place::etcd();
    let early = Part::reached(place.node("a")).await;
    early
        .publish(
            node_entry("a", 1),
            vec![endpoint("a", "f1", "10.0.0.1", Identity(2))],
        )
        .await;
    let late = Part::reached(place.node("a")).await;
    late.publish(
        node_entry("a", 2),
        vec![endpoint("a", "f2", "10.0.0.2", Identity(2))],
    )
    .await;
    let health = early
        .health("the earlier one says so", |health| {
            !health.published && health.last_error.is_some()
        })
        .await;
    let error = health.last_error.as_ref().unwrap().to_string();
    assert!(
        error.contains("another observer is the node c/a too"),
        "{error}"
    );
    late.state("only the later one's endpoint is there", |state| {
        endpoints(state) == "c/a:shop/f2"
    })
    .await;
    // When the later one has gone, the earlier one is the node again.
    late.stop().await;
    early
        .state("the earlier one's endpoint is there", |state| {
            endpoints(state) == "c/a:shop/f1"
        })
        .await;
    early
        .health("it is published", |health: &RegistryHealth| {
            health.published
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_with_a_nodes_name_does_not_get_into_files() {
    let place = Place::file();
    let first = Part::reached(place.node("a")).await;
    let second = Part::start(place.node("a"));
    let health = second
        .health("it is refused", |health| health.last_error.is_some())
        .await;
    let error = std::error::Error::source(&**health.last_error.as_ref().unwrap())
        .unwrap()
        .to_string();
    let this = format!("another process, {}, is the node c/a", std::process::id());
    assert!(error.contains(&this), "{error}");
    first.stop().await;
    drop(first_gone(&second).await);
}

async fn first_gone(second: &Part) -> Arc<RegistryHealth> {
    second
        .health("it is the node now", RegistryHealth::is_connected)
        .await
}

/// Policies and services are everybody's.
async fn policies_and_services(place: Place) {
    let reader = Part::reached(place.reader()).await;
    let node = Part::reached(place.node("a")).await;
    let policy = PolicyEntry {
        name: "shop/web".to_owned(),
        yaml: "kind: NetworkPolicy\n".to_owned(),
        origin: Some("host:/web.yaml".to_owned()),
    };
    let service = ServiceEntry {
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
        ips: vec!["10.96.0.1".parse().unwrap()],
        ports: vec![ServicePort {
            name: None,
            protocol: "TCP".to_owned(),
            port: 80,
            target_port: Some(8080),
        }],
        selector: [("role".to_owned(), "web".to_owned())].into(),
    };
    reader.registry.put_policy(policy.clone()).await.unwrap();
    reader.registry.put_service(service.clone()).await.unwrap();
    let state = node
        .state("both are there", |state| {
            !state.policies.is_empty() && !state.services.is_empty()
        })
        .await;
    assert_eq!(*state.policies["shop/web"], policy);
    assert_eq!(*state.services[&service.key()], service);
    let registry = &reader.registry;
    assert!(registry.delete_policy("shop/web").await.unwrap());
    assert!(!registry.delete_policy("shop/web").await.unwrap());
    assert!(registry.delete_service("shop", "web").await.unwrap());
    assert!(!registry.delete_service("shop", "web").await.unwrap());
    node.state("both are gone", |state| {
        state.policies.is_empty() && state.services.is_empty()
    })
    .await;
    let check = async |name: &str, yaml: String, reason: &str| {
        let name = name.to_owned();
        let error = registry.put_policy(PolicyEntry {
            name,
            yaml,
            origin: None,
        });
        let error = error.await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    };
    check("", String::new(), "a name is empty").await;
    check("a\nb", String::new(), "control characters").await;
    check(&"x".repeat(254), String::new(), "254 bytes").await;
    check("large", "x".repeat(1 << 20), "the most").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_services_in_files() {
    policies_and_services(Place::file()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_services_in_etcd() {
    policies_and_services(Place::etcd()).await;
}
