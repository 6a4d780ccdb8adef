//! Identities over time: what a number meant before, and how it comes back when nobody has it any more.

use serde_json::Value;
use tests::agent::{Agent, wait_for};
use tests::site::Site;

const WORKLOADS: [(&str, &str); 2] = [("web-1", "first"), ("db-1", "db")];

#[test]
fn a_number_keeps_its_meaning_and_rests_before_it_is_given_again() {
    let mut site = Site::new("obs", &WORKLOADS);
    let agent = Agent::start(&site, &["--identity-rest", "2s"]);
    let first = identity_as(&agent, "first");
    let db = identity_of(&agent, "shop/db-1");
    let began = [first, db].map(|number| time(&identity(&agent, number, &[])));
    let first_began = began.into_iter().max().expect("two");
    site.relabel("web-1", "second");
    let second = identity_as(&agent, "second");
    let second_began = time(&identity(&agent, second, &[]));
    assert_ne!(first, second);

    // What held at a time: the second did not exist yet, the first still does, though nobody has it.
    let held = |at: &str| {
        let listed = agent.json(&[
            "identity",
            "list",
            "--at",
            at,
            "io.kubernetes.pod.namespace=shop",
        ]);
        let all = listed["identities"].as_array().into_iter().flatten();
        let all = all.map(|each| (each["identity"].as_u64().expect("a number"), role(each)));
        all.collect::<Vec<_>>()
    };
    let db = (db, "k8s:role=db".to_owned());
    let is_first = (first, "k8s:role=first".to_owned());
    let is_second = (second, "k8s:role=second".to_owned());
    assert_eq!(
        sorted(held(&first_began)),
        sorted(vec![is_first.clone(), db.clone()])
    );
    assert_eq!(
        sorted(held(&second_began)),
        sorted(vec![is_first.clone(), db, is_second])
    );
    agent
        .ask(&["identity", "get", &second.to_string(), "--at", &first_began])
        .assert_refused(1, &["NOT_FOUND", "role=second"]);
    agent
        .ask(&["identity", "list", "--at", "24h"])
        .assert_refused(1, &["OUT_OF_RANGE", "Z"]);

    wait_for("the first number to be free", || {
        agent.ask(&["identity", "get", &first.to_string()]).code == 1
    });
    let before = identity(&agent, first, &["--at", &second_began]);
    assert_eq!(role(&before), is_first.1);
    assert!(before["until"].is_string(), "{before}");
    // While it rests the same labels get it back; no others get it, or any that is in use.
    let [again, third, last] = ["first", "third", "first"].map(|name| {
        site.relabel("web-1", name);
        identity_as(&agent, name)
    });
    assert_eq!(again, last, "not released in between");
    assert_ne!(again, second);
    assert!(![first, second, again].contains(&third), "{third}");
}

/// The identity of the changed workload as soon as it has this role.
fn identity_as(agent: &Agent, name: &str) -> u64 {
    let label = format!("k8s:role={name}");
    wait_for(&format!("the role {name}"), || {
        role(&agent.json(&["endpoint", "get", "shop/web-1"])) == label
    });
    identity_of(agent, "shop/web-1")
}

fn identity_of(agent: &Agent, endpoint: &str) -> u64 {
    let endpoint = agent.json(&["endpoint", "get", endpoint]);
    endpoint["identity"].as_u64().expect("a number")
}

fn identity(agent: &Agent, number: u64, more: &[&str]) -> Value {
    let number = number.to_string();
    agent.json(&[&["identity", "get", &number], more].concat())
}

fn time(identity: &Value) -> String {
    identity["from"].as_str().expect("a time").to_owned()
}

fn role(labelled: &Value) -> String {
    let labels = labelled["labels"].as_array().into_iter().flatten();
    let mut labels = labels.filter_map(Value::as_str);
    let role = labels.find(|label| label.starts_with("k8s:role="));
    role.unwrap_or_default().to_owned()
}

fn sorted(mut held: Vec<(u64, String)>) -> Vec<(u64, String)> {
    held.sort();
    held
}
