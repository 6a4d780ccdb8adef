//! `tycho status`: what needs somebody's attention, and how full the kernel's maps are.

use std::fs;

use serde_json::Value;
use tests::agent::{Agent, number, wait_for};
use tests::cable::{plug, unplug};
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 2] = [("frontend-1", "frontend"), ("backend-1", "backend")];

#[test]
fn what_is_wrong_is_said_until_it_is_right_and_maps_are_counted() {
    let mut site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &[]);
    let warnings = || agent.json(&["status"])["ledger"]["warnings"].clone();
    assert_eq!(warnings(), Value::Null);
    let wait_for_warnings = |parts: &[&str]| {
        wait_for(&format!("warnings of {parts:?}"), || {
            let all = warnings();
            let mut all = all
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            // One each, in any order.
            all.clone().count() == parts.len()
                && all.all(|one| parts.iter().any(|part| one.contains(part)))
        });
    };
    site.set_policies(&POLICY.replace("8080", "80800"));
    wait_for_warnings(&["shop.yaml:9: spec.ingress[0].toPorts[0].ports[0].port"]);
    let endpoints = fs::read_to_string(site.endpoints()).expect("text");
    fs::write(site.endpoints(), endpoints.replace("labels:", "label:")).expect("written");
    wait_for_warnings(&["shop.yaml:9:", "endpoints.yaml:3:"]);
    unplug(&site, "backend-1");
    wait_for_warnings(&["shop.yaml:9:", "endpoints.yaml:3:", "shop/backend-1"]);
    let text = agent.ask(&["status"]).output();
    assert_eq!(text.matches("Warning: ").count(), 3, "{text}");
    plug(&site, "backend-1");
    fs::write(site.endpoints(), &endpoints).expect("written");
    site.set_policies(POLICY);
    wait_for_warnings(&[]);

    let entries = |map: &str| {
        let status = agent.json(&["status"]);
        let mut maps = status["ledger"]["maps"].as_array().expect("maps").iter();
        let row = maps.find(|row| row["name"] == map).expect("a known map");
        assert!(
            number(&row["capacity"]) > 0 && row["meaning"].is_string(),
            "{row}"
        );
        number(&row["entries"])
    };
    let text = agent.ask(&["status", "--verbose"]).output();
    for map in [
        "CONNECTIONS4",
        "EDGES",
        "POLICY_CELLS",
        "IPCACHE6",
        "IPCACHE4_CIDR",
    ] {
        assert!(text.contains(&format!("\n{map} ")), "{text}");
    }
    assert_eq!(entries("ENDPOINT_ROWS"), 2);
    let connections = entries("CONNECTIONS4");
    let _server = site.serve("backend-1", false, 8080);
    assert!(site.is_answered("frontend-1", site.at("backend-1", false, 8080)));
    site.add("frontend-2", "frontend");
    wait_for("the maps to have more", || {
        // Each end has the connection.
        entries("CONNECTIONS4") == connections + 2 && entries("ENDPOINT_ROWS") == 3
    });
}
