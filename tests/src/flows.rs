//! Flows as `tycho observe -o json` prints them, in short lines that show what must be right.

use serde_json::Value;

/// `source(role) > destination(role):port kind DIRECTION VERDICT reason by policies, rule`.
pub fn tell(response: &Value) -> String {
    let flow = &response["flow"];
    let port = ["TCP", "UDP"]
        .iter()
        .find_map(|protocol| flow["l4"][protocol]["destination_port"].as_u64());
    let kind = match flow["event_type"]["type"].as_u64() {
        Some(1) => "drop",
        Some(4) => "trace",
        Some(5) => "verdict",
        _ => "?",
    };
    let mut line = format!(
        "{} > {}:{} {kind} {} {}",
        end(&flow["source"]),
        end(&flow["destination"]),
        port.unwrap_or(0),
        text(&flow["traffic_direction"]),
        text(&flow["verdict"]),
    );
    if let Some(reason) = flow["drop_reason_desc"].as_str() {
        line += &format!(" {reason}");
    }
    for (field, word) in [
        ("egress_allowed_by", "allowed by"),
        ("ingress_allowed_by", "allowed by"),
        ("egress_denied_by", "denied by"),
        ("ingress_denied_by", "denied by"),
    ] {
        for policy in flow[field].as_array().into_iter().flatten() {
            let (namespace, name) = (text(&policy["namespace"]), text(&policy["name"]));
            line += &format!(" {word} {namespace}/{name}");
        }
    }
    if let Some(rule) = response["tycho"]["rule_name"].as_str() {
        line += &format!(", {rule}");
    }
    if response["tycho"]["rejudged"] == true {
        line += ", rejudged";
    }
    line
}

/// Several.
pub fn tell_all(responses: &[Value]) -> Vec<String> {
    responses.iter().map(tell).collect()
}

/// An end of a flow: the pod and its role, or reserved labels.
fn end(endpoint: &Value) -> String {
    let labels = endpoint["labels"].as_array().into_iter().flatten();
    let labels: Vec<&str> = labels.filter_map(Value::as_str).collect();
    let role = labels
        .iter()
        .find_map(|label| label.strip_prefix("k8s:role="));
    match (endpoint["pod_name"].as_str(), role) {
        (Some(pod), Some(role)) => format!("{pod}({role})"),
        _ => labels.join(","),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
