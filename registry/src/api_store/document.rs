//! An endpoint file as text: JSON, which is YAML, in the shape that the parser of endpoint files reads.

use serde_json::{Map, Value, json};

use crate::endpoint_file::{Attachment, EndpointFile, EndpointSpec, Mode, Spoofing};

/// The text of a file that reads back as `file`, but for the lines.
#[must_use]
pub fn text(file: &EndpointFile) -> String {
    let endpoints: Vec<Value> = file.endpoints.iter().map(endpoint).collect();
    let document = json!({
        "node": file.node,
        "cluster": file.cluster,
        "namespaces": file.namespaces,
        "endpoints": endpoints,
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Fields that are not set are left out, as a person would.
fn endpoint(spec: &EndpointSpec) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("name", json!(spec.name));
    if let Some(namespace) = &spec.namespace {
        put("namespace", json!(namespace));
    }
    match &spec.attachment {
        Attachment::Netns(netns) => put("netns", json!(netns)),
        Attachment::Interface(interface) => put("interface", json!(interface)),
    };
    put("ips", json!(spec.ips));
    put("labels", json!(spec.labels));
    if let Some(workload) = &spec.workload {
        put(
            "workload",
            json!({"kind": workload.kind, "name": workload.name}),
        );
    }
    put("ports", json!(spec.ports));
    if let Some(mode) = spec.mode {
        put("mode", json!(mode_name(mode)));
    }
    match &spec.spoofing {
        Spoofing::Strict => {}
        Spoofing::Off => {
            put("spoofing", json!("off"));
        }
        Spoofing::Cidrs(cidrs) => {
            let texts: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
            put("spoofing", json!(texts));
        }
    }
    Value::Object(fields)
}

/// A mode as the file has it.
#[must_use]
pub const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Audit => "audit",
        Mode::Off => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint_file::parse;
    use std::path::Path;

    #[test]
    fn what_is_written_is_read_back() {
        let written = r#"
node: node-a
cluster: east
namespaces: {shop: {team: web, "on": "yes"}}
endpoints:
- name: frontend-1
  namespace: shop
  netns: /proc/7/ns/net
  ips: [10.1.0.11, "fd00:1::11"]
  labels: {role: frontend, empty: "", number: "1e3", truth: "true"}
  workload: {kind: Deployment, name: frontend}
  ports: {http: 8080}
  mode: off
  spoofing: [10.0.0.0/8, "fd00::/16"]
- {name: printer, interface: veth-printer, ips: [10.1.0.12], spoofing: off, mode: enforce}
- {name: plain, netns: plain, ips: [10.1.0.13]}
"#;
        let unlined = |mut file: EndpointFile| {
            file.endpoints
                .iter_mut()
                .for_each(|endpoint| endpoint.line = 0);
            file
        };
        let read = |text: &str| unlined(parse(Path::new("e.yaml"), text).unwrap());
        let file = read(written);
        assert_eq!(read(&text(&file)), file);
        let empty = read("node: n");
        assert_eq!(read(&text(&empty)), empty);
    }
}
