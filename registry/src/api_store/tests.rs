//! What the store keeps, and what it refuses.

use super::*;

fn file(text: &str) -> EndpointFile {
    endpoint_file::parse(Path::new("e.yaml"), text).unwrap()
}

#[test]
fn endpoints_are_kept_privately_and_replaced_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = ApiStore::new(directory.path().join("api"));
    let main = file("node: n\ncluster: c");
    let none = store.endpoints(&main).unwrap();
    assert_eq!(
        (none.node_name().as_str(), none.endpoints.len()),
        ("c/n", 0)
    );
    assert!(
        !directory.path().join("api").exists(),
        "reading makes nothing"
    );
    let added = file("node: n\nendpoints: [{name: a, netns: a, ips: [10.0.0.1]}]");
    store.write_endpoints(&added).unwrap();
    store.write_endpoints(&added).unwrap();
    let kept = store.endpoints(&main).unwrap();
    assert_eq!(kept.endpoints[0].qualified_name(), "a");
    assert_eq!(
        kept,
        store.check(&added).unwrap(),
        "lines are those of the file"
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join("api")), 0o700);
    assert_eq!(mode(&store.endpoints_path()), 0o600);
    let names = fs::read_dir(directory.path().join("api")).unwrap();
    assert_eq!(names.count(), 1, "no temporary is left");
}

#[test]
fn policies_are_files_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let store = ApiStore::new(directory.path().join("api"));
    let path = |name| {
        let policy = PolicyFile {
            kind: "NetworkPolicy",
            namespace: "shop",
            name,
        };
        store.policy_path(policy)
    };
    let manifest = |name, text: &str| Manifest {
        path: path(name).unwrap(),
        text: text.to_owned(),
    };
    let first = [manifest("a", "one"), manifest("b", "two")];
    store.change_policies(&[], &first).unwrap();
    assert_eq!(store.policies().unwrap(), first);
    let second = [manifest("b", "three"), manifest("c", "four")];
    store.change_policies(&first, &second).unwrap();
    assert_eq!(store.policies().unwrap(), second);
    assert!(
        first[0]
            .path
            .ends_with("policies/NetworkPolicy.shop.a.yaml")
    );
    for name in ["../../etc/x", &"x".repeat(300)] {
        assert!(path(name).is_err(), "{name}");
    }
}

#[test]
fn a_change_that_fails_half_way_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = ApiStore::new(directory.path().join("api"));
    let manifest = |path: PathBuf, text: &str| Manifest {
        path,
        text: text.to_owned(),
    };
    let before = [manifest(store.policies_path().join("a.yaml"), "one")];
    store.change_policies(&[], &before).unwrap();
    let after = [
        manifest(store.policies_path().join("a.yaml"), "two"),
        manifest(store.policies_path().join("no/such/place.yaml"), "x"),
    ];
    let error = store.change_policies(&before, &after).unwrap_err();
    assert!(error.to_string().contains("place.yaml"), "{error}");
    assert_eq!(store.policies().unwrap(), before);
}
