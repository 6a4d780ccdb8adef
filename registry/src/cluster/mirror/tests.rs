//! What the copy makes of keys.

use super::*;

fn put(key: &str, value: &str) -> KeyChange {
    KeyChange::Put(stored(key, value))
}

fn stored(key: &str, value: &str) -> Stored {
    Stored {
        key: key.to_owned(),
        value: value.as_bytes().to_vec(),
        own: false,
    }
}

fn delete(key: &str) -> KeyChange {
    KeyChange::Delete(key.to_owned())
}

const POLICY: &str = r#"{"name":"p","yaml":"x"}"#;
const FRONTEND: &str = r#"{"identity":256,"labels":["k8s:role=frontend"]}"#;
const BACKEND: &str = r#"{"identity":256,"labels":["k8s:role=backend"]}"#;

#[test]
fn identities_and_their_index_go_together() {
    let mut mirror = Mirror::default();
    let mut check = |changes: Vec<KeyChange>, expect: &str| {
        mirror.apply(Event::Changes {
            revision: 1,
            changes,
        });
        let index: Vec<String> = mirror
            .state
            .identity_of
            .iter()
            .map(|(labels, identity)| {
                assert_eq!(mirror.state.labels(*identity), Some(labels));
                format!("{labels}={}", identity.0)
            })
            .collect();
        assert_eq!(index.join(" "), expect);
        assert_eq!(mirror.state.identities.len(), index.len());
    };
    check(
        vec![put("identities/by-number/00256", FRONTEND)],
        "k8s:role=frontend=256",
    );
    check(
        vec![put("identities/by-number/00256", BACKEND)],
        "k8s:role=backend=256",
    );
    // A number that speaks of another is none.
    check(
        vec![put("identities/by-number/00257", BACKEND)],
        "k8s:role=backend=256",
    );
    check(vec![delete("identities/by-number/00256")], "");
}

#[test]
fn users_come_and_go() {
    let mut mirror = Mirror::new(Some("c/a".into()), ClusterState::default());
    let mut check = |changes: Vec<KeyChange>, own, expect: &str| {
        let touched = mirror.apply(Event::Changes {
            revision: 1,
            changes,
        });
        assert_eq!(touched, own);
        let users = mirror.state.users.iter();
        let users: Vec<String> = users
            .map(|(identity, users)| format!("{}:{}", identity.0, users.len()))
            .collect();
        assert_eq!(users.join(" "), expect);
    };
    check(vec![put("identities/uses/00256/c/b", "")], false, "256:1");
    check(vec![put("identities/uses/00256/c/a", "")], true, "256:2");
    check(vec![delete("identities/uses/00256/c/b")], false, "256:1");
    check(vec![delete("identities/uses/00256/c/a")], true, "");
}

#[test]
fn what_cannot_be_understood_is_left_out_and_told() {
    let mut mirror = Mirror::default();
    let mut check = |change: KeyChange, policies: usize, ignored: usize| {
        mirror.apply(Event::Changes {
            revision: 1,
            changes: vec![change],
        });
        assert_eq!(mirror.state.policies.len(), policies);
        assert_eq!(mirror.ignored().0, ignored);
    };
    check(put("policies/p", POLICY), 1, 0);
    check(put("policies/p", "{"), 0, 1);
    check(put("rubbish", ""), 0, 2);
    check(put("policies/p", POLICY), 1, 1);
    check(delete("rubbish"), 1, 0);
}

#[test]
fn a_new_beginning_deletes_what_is_gone_and_keeps_what_is_not() {
    let mut mirror = Mirror::default();
    let all = |keys: Vec<Stored>| Event::All { revision: 5, keys };
    mirror.apply(all(vec![
        stored("policies/p", POLICY),
        stored("policies/q", POLICY),
        stored("identities/by-number/00256", FRONTEND),
    ]));
    let before = mirror.state.clone();
    mirror.apply(all(vec![
        stored("policies/p", POLICY),
        stored("identities/by-number/00256", FRONTEND),
    ]));
    let after = &mirror.state;
    assert_eq!(after.policies.len(), 1);
    assert!(Arc::ptr_eq(&before.policies["p"], &after.policies["p"]));
    assert!(Arc::ptr_eq(&before.identities, &after.identities));
    assert!(Arc::ptr_eq(&before.identity_of, &after.identity_of));
    mirror.apply(all(vec![]));
    assert!(mirror.state.policies.is_empty() && mirror.state.identity_of.is_empty());
    assert_eq!(
        mirror.taken.free_from(256, &(256..=256), |_| false),
        Some(256)
    );
}
