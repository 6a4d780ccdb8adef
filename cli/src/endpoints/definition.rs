//! The definition of an endpoint from flags, as an endpoint file has it: in JSON, which is YAML.

use clap::ArgGroup;
use serde_json::{Map, Value, json};

use super::pair;

/// The flags that describe an endpoint.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Definition")]
#[command(group(ArgGroup::new("attachment").args(["netns", "interface"])))]
pub(super) struct DefinitionFlags {
    /// Its name
    #[arg(long, value_name = "NAME", required_unless_present = "file")]
    name: Option<String>,
    /// Its namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Its network namespace: a name below /run/netns, or a path
    #[arg(long, value_name = "NAME|PATH", required_unless_present_any = ["file", "interface"])]
    netns: Option<String>,
    /// The node's end of its interface
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// An address of it; can be repeated
    #[arg(long, value_name = "ADDRESS", required_unless_present = "file")]
    ip: Vec<std::net::IpAddr>,
    /// A label of it, key=value; can be repeated
    #[arg(long, value_name = "LABEL", value_parser = pair::parse)]
    label: Vec<(String, String)>,
    /// A port by name, such as http=80, for policies that say the name; can be repeated
    #[arg(long, value_name = "NAME=PORT", value_parser = pair::port)]
    port: Vec<(String, u16)>,
    /// `enforce`, `audit` or `off`; the observer's mode if it is not given
    #[arg(long, value_name = "MODE", value_parser = ["enforce", "audit", "off"], hide_possible_values = true)]
    mode: Option<String>,
    /// Which source addresses it may use: `strict` its own, `off` any, or further networks with commas
    #[arg(long, value_name = "WORD|CIDRS")]
    spoofing: Option<String>,
    /// What it is part of, such as Deployment/shop
    #[arg(long, value_name = "KIND/NAME", value_parser = workload)]
    workload: Option<(String, String)>,
}

impl DefinitionFlags {
    /// The definition.
    pub(super) fn text(&self) -> String {
        let mut fields = Map::new();
        let words = [
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("netns", &self.netns),
            ("interface", &self.interface),
            ("mode", &self.mode),
        ];
        for (field, word) in words {
            if let Some(word) = word {
                fields.insert(field.to_owned(), json!(word));
            }
        }
        fields.insert("ips".to_owned(), json!(self.ip));
        let labels: Map<String, Value> = pairs(&self.label);
        fields.insert("labels".to_owned(), Value::Object(labels));
        if !self.port.is_empty() {
            fields.insert("ports".to_owned(), Value::Object(pairs(&self.port)));
        }
        if let Some(spoofing) = &self.spoofing {
            let networks: Vec<&str> = spoofing.split(',').collect();
            let value = match networks[..] {
                [word @ ("strict" | "off")] => json!(word),
                _ => json!(networks),
            };
            fields.insert("spoofing".to_owned(), value);
        }
        if let Some((kind, name)) = &self.workload {
            let workload = json!({"kind": kind, "name": name});
            fields.insert("workload".to_owned(), workload);
        }
        Value::Object(fields).to_string()
    }
}

fn pairs<T: ToString>(pairs: &[(String, T)]) -> Map<String, Value> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| (key.clone(), json!(value.to_string())))
        .collect()
}

fn workload(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
            Ok((kind.to_owned(), name.to_owned()))
        }
        _ => Err("write kind/name, such as Deployment/shop".to_owned()),
    }
}
