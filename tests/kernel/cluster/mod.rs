//! Several observers on one registry: the real `tycho observer` on nodes of namespaces that are joined by a backbone.

mod away;
mod contradicted;
mod neighbours;
mod totals;

use serde_json::Value;
use tests::agent::{Agent, wait_for};

/// Frontends may reach backends on TCP 8080, and nobody else may anything.
const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backend, namespace: shop}
spec:
  endpointSelector: {matchLabels: {role: backend}}
  ingress:
  - fromEndpoints: [{matchLabels: {role: frontend}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"#;

/// The identity of an endpoint of this node.
fn identity(agent: &Agent, endpoint: &str) -> u64 {
    let endpoint = agent.json(&["endpoint", "get", endpoint]);
    endpoint["identity"].as_u64().unwrap_or(0)
}

/// What needs somebody's attention.
fn warnings(agent: &Agent) -> Vec<String> {
    let status = agent.json(&["status"]);
    let warnings = status["ledger"]["warnings"]
        .as_array()
        .into_iter()
        .flatten();
    let texts = warnings.filter_map(Value::as_str);
    texts.map(ToOwned::to_owned).collect()
}

/// Waits for a warning with all of these words.
fn wait_for_warning(agent: &Agent, words: &[&str]) {
    wait_for(&format!("a warning of {words:?}"), || {
        let warnings = warnings(agent);
        let mut warnings = warnings.iter();
        warnings.any(|one| words.iter().all(|word| one.contains(word)))
    });
}

/// Waits until nothing is wrong.
fn wait_for_calm(agent: &Agent) {
    let mut last = Vec::new();
    wait_for("the warnings to be over", || {
        last = warnings(agent);
        last.is_empty()
    });
}
