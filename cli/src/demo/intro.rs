//! What the demo says before flows begin: what it made, where it is, what to try.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

use registry::endpoint_file::{EndpointFile, EndpointSpec};

use super::manifests::{self, Files, POLICIES};
use super::node::DemoNode;
use super::privilege::quoted;
use super::served::Served;
use super::topology::NAMESPACE_PREFIX;
use crate::output::table;

/// Writes it all.
pub(super) fn write(
    out: &mut dyn io::Write,
    endpoints: &[EndpointFile; 3],
    files: &Files,
    served: &Served,
    registry: &str,
) -> io::Result<()> {
    let count: usize = endpoints.iter().map(|file| file.endpoints.len()).sum();
    writeln!(
        out,
        "Three nodes with {count} endpoints, each a network namespace {NAMESPACE_PREFIX}NAME. On every endpoint's\n\
         interface eBPF programs enforce these policies. An observer on each node tells what they see; a\n\
         relay puts it together, over mutual TLS.\n"
    )?;
    indented(out, &endpoint_rows(endpoints))?;
    writeln!(out)?;
    indented(out, &policy_rows())?;
    writeln!(out)?;
    indented(out, &file_rows(files))?;
    if let Some(page) = served.page {
        writeln!(out, "\nIn a browser: http://{page}/")?;
    }
    for note in &served.notes {
        writeln!(out, "\nNote: {note}.")?;
    }
    for (title, commands) in commands(alias().as_deref(), files, served, registry) {
        writeln!(out, "\n{title}:\n")?;
        for command in commands {
            writeln!(out, "  {command}")?;
        }
    }
    writeln!(out)
}

fn indented(out: &mut dyn io::Write, rows: &[Vec<String>]) -> io::Result<()> {
    let mut text = Vec::new();
    table::write(&mut text, rows)?;
    for line in String::from_utf8_lossy(&text).lines() {
        writeln!(out, "  {}", line.trim_end())?;
    }
    Ok(())
}

fn row(cells: [&str; 2]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn endpoint_rows(files: &[EndpointFile; 3]) -> Vec<Vec<String>> {
    let header = ["NODE", "ENDPOINT", "IPV4", "IPV6", "LABELS"];
    let header = header.map(str::to_owned).to_vec();
    let rows = DemoNode::ALL
        .into_iter()
        .zip(files)
        .flat_map(|(node, file)| {
            let endpoints = file.endpoints.iter();
            endpoints.map(move |endpoint| endpoint_row(node, endpoint))
        });
    std::iter::once(header).chain(rows).collect()
}

fn endpoint_row(node: DemoNode, endpoint: &EndpointSpec) -> Vec<String> {
    let address = |ipv6| {
        let mut ips = endpoint.ips.iter();
        let ip = ips.find(|ip| ip.is_ipv6() == ipv6);
        ip.map(ToString::to_string).unwrap_or_default()
    };
    // The order in which they were written is not kept; what policies select by comes last everywhere.
    let labels: Vec<String> = endpoint
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    vec![
        node.to_string(),
        endpoint.qualified_name(),
        address(false),
        address(true),
        labels.join(" "),
    ]
}

fn policy_rows() -> Vec<Vec<String>> {
    let rows = POLICIES.iter().map(|(name, text)| {
        let name = name.trim_end_matches(".yaml");
        row([&format!("to {name}"), manifests::summary(text)])
    });
    std::iter::once(row(["POLICY", "WHAT IT SAYS"]))
        .chain(rows)
        .collect()
}

fn file_rows(files: &Files) -> Vec<Vec<String>> {
    let (endpoints, policies) = (files.endpoints(DemoNode::A), files.policies());
    vec![
        row(["FILE", "CHANGE IT: THE OBSERVERS FOLLOW"]),
        row([
            &endpoints.display().to_string(),
            "endpoints of node a; how to add one stands at its end",
        ]),
        row([&policies.display().to_string(), "one policy in each file"]),
    ]
}

/// What to try, under titles.
fn commands(
    alias: Option<&str>,
    files: &Files,
    served: &Served,
    registry: &str,
) -> [(&'static str, Vec<String>); 2] {
    let relay = if served.is_hidden() {
        format!(" --server {}", quoted(&served.relay()))
    } else {
        String::new()
    };
    let on = |node| format!("--server unix://{}", files.observer_socket(node).display());
    let (a, c) = (on(DemoNode::A), on(DemoNode::C));
    let alias = alias.map(|path| format!("alias tycho={path}"));
    let mut anybody: Vec<String> = alias.into_iter().collect();
    anybody.extend([
        format!("tycho observe{relay} --from-label role=frontend --follow"),
        format!("tycho observe{relay} --dedup --print-policy-names"),
        format!("tycho list nodes{relay}"),
        format!("tycho status{relay}"),
    ]);
    let mut root = vec![
        format!("tycho policy verdict {a} --from role=frontend --to role=db --port 5432/tcp"),
        format!(
            "tycho observe{relay} --to-pod shop/db --verdict DROPPED --last 1 -o json | tycho explain {c} -"
        ),
        format!("tycho endpoint list {c}"),
        "tycho demo --kill-node b    # and watch what `tycho observe --follow` says; then --start-node b"
            .to_owned(),
        format!("ip netns exec {NAMESPACE_PREFIX}intruder curl -sS -m 1 http://10.2.0.21:8080    # dropped"),
    ];
    if registry.starts_with("file:") {
        // An etcd is reached from the backbone's namespace only.
        root.push(format!(
            "tycho registry all --registry {}",
            quoted(registry)
        ));
    }
    [("Try in another terminal", anybody), ("And as root", root)]
}

/// The program's path, quoted, unless `tycho` alone finds it.
fn alias() -> Option<String> {
    let own = env::current_exe().ok()?;
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|directory| directory.join("tycho"))
        .find(|candidate| candidate.is_file());
    let same = |found: &Path| fs::canonicalize(found).is_ok_and(|found| found == own);
    match found {
        Some(found) if same(&found) => None,
        _ => Some(quoted(&own.to_string_lossy())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifests;
    use super::super::place::Place;
    use super::{Served, commands, write};

    const REGISTRY: &str = "file:/run/tycho/demo/registry";

    fn served(hidden: bool) -> Served {
        Served {
            relay_socket: "/run/tycho/demo/relay.sock".into(),
            relay_tcp: (!hidden).then(|| "127.0.0.1:4245".parse().unwrap()),
            page: Some("127.0.0.1:12000".parse().unwrap()),
            observer_socket: None,
            notes: vec!["something differs".to_owned()],
        }
    }

    fn text() -> String {
        let endpoints = manifests::endpoints().unwrap();
        let files = Place::standard().files();
        let mut out = Vec::new();
        write(&mut out, &endpoints, &files, &served(false), REGISTRY).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_names_what_was_made_and_fits_a_terminal() {
        let text = text();
        for part in [
            "a      shop/frontend-2   10.1.0.12   fd00:1::12   app=storefront role=frontend",
            "c      shop/db           10.3.0.31   fd00:3::31   app=orders-db role=db",
            "to db        backend may on TCP 5432",
            "/run/tycho/demo/node-a/endpoints.yaml",
            "\nIn a browser: http://127.0.0.1:12000/\n",
            "Note: something differs.",
            "tycho status\n",
            "tycho demo --kill-node b",
            "tycho registry all --registry file:/run/tycho/demo/registry",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        for line in text.lines() {
            // A command has one line, however long.
            let is_command = line.starts_with("  tycho ") || line.contains("alias");
            assert!(is_command || line.chars().count() <= 100, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }

    #[test]
    fn a_hidden_relay_is_named_in_the_commands() {
        for (hidden, alias, expect) in [
            (false, None, "tycho observe --from-label"),
            (false, Some("/x/tycho"), "alias tycho=/x/tycho"),
            (
                true,
                None,
                "tycho observe --server unix:///run/tycho/demo/relay.sock --from-label",
            ),
        ] {
            let files = Place::standard().files();
            let [(_, commands), _] = commands(alias, &files, &served(hidden), REGISTRY);
            assert!(commands[0].starts_with(expect), "{commands:?}");
        }
    }
}
