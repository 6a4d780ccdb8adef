//! Who decided, in one form, whoever says it: a flow, `tycho explain`, or `tycho policy verdict`.

use serde_json::Value;

/// What a default deny is called.
const DEFAULT_DENY: &str = "default deny by ";

/// `VERDICT`, then the rule or the default deny with its policies. The policies in the fields of Hubble are the same.
pub fn of_flow(response: &Value) -> String {
    let flow = &response["flow"];
    let verdict = text(&flow["verdict"]);
    let rule = response["tycho"]["rule_name"].as_str().unwrap_or_default();
    let direction = text(&flow["traffic_direction"]).to_lowercase();
    let effect = match verdict {
        "FORWARDED" => "allowed",
        _ => "denied",
    };
    for field in [
        "ingress_allowed_by",
        "ingress_denied_by",
        "egress_allowed_by",
        "egress_denied_by",
    ] {
        let policies = flow[field].as_array().into_iter().flatten();
        let named: Vec<String> = policies.map(policy).collect();
        let expected = if field == format!("{direction}_{effect}_by") {
            policies_of(rule)
        } else {
            Vec::new()
        };
        assert_eq!(named, expected, "{field} of {flow}");
    }
    joined(verdict, rule)
}

/// The same of a `Decision` of `tycho.v1`.
pub fn of_decision(decision: &Value) -> String {
    let verdict = text(&decision["verdict"]);
    let rule = &decision["rule"];
    if rule.is_null() {
        let policies = decision["default_deny"].as_array().into_iter().flatten();
        let names: Vec<String> = policies.map(policy).collect();
        return match names.as_slice() {
            [] => verdict.to_owned(),
            names => joined(verdict, &format!("{DEFAULT_DENY}{}", names.join(", "))),
        };
    }
    let mut name = policy(&rule["policy"]);
    if let Some(section) = rule["section"].as_str() {
        name += &format!(" {section}[{}]", rule["index"].as_u64().unwrap_or(0));
    }
    joined(verdict, &name)
}

fn joined(verdict: &str, rule: &str) -> String {
    format!("{verdict} {rule}").trim_end().to_owned()
}

/// The policies that the name of a rule names.
fn policies_of(rule: &str) -> Vec<String> {
    let names = match rule.strip_prefix(DEFAULT_DENY) {
        Some(names) => names.split(", ").collect(),
        None => rule.split(' ').take(1).collect::<Vec<_>>(),
    };
    let names = names.into_iter().filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// `Kind/namespace/name` without what it has not.
fn policy(policy: &Value) -> String {
    let parts = ["kind", "namespace", "name"].map(|part| policy[part].as_str());
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join("/")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}
