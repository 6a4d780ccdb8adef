//! What the demo says before flows begin: what it made, where it is, what to try.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

use registry::endpoint_file::{EndpointFile, EndpointSpec};

use super::manifests::{self, Files, POLICIES};
use super::privilege::quoted;
use super::served::Served;
use super::topology::NAMESPACE_PREFIX;
use crate::output::table;

/// Writes it all.
pub(super) fn write(
    out: &mut dyn io::Write,
    file: &EndpointFile,
    files: &Files,
    served: &Served,
) -> io::Result<()> {
    let count = file.endpoints.len();
    writeln!(
        out,
        "Node {}: {count} endpoints, each a network namespace {NAMESPACE_PREFIX}NAME,\n\
         with eBPF programs on its interface that enforce these policies.\n",
        file.node
    )?;
    indented(out, &endpoint_rows(file))?;
    writeln!(out)?;
    indented(out, &policy_rows())?;
    writeln!(out)?;
    indented(out, &file_rows(files))?;
    for note in &served.notes {
        writeln!(out, "\nNote: {note}.")?;
    }
    writeln!(
        out,
        "\nTry in another terminal (the last one as root; it is dropped):\n"
    )?;
    for command in commands(alias().as_deref(), served) {
        writeln!(out, "  {command}")?;
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

fn endpoint_rows(file: &EndpointFile) -> Vec<Vec<String>> {
    let header = ["ENDPOINT", "IPV4", "IPV6", "LABELS"];
    let header = header.map(str::to_owned).to_vec();
    let rows = file.endpoints.iter().map(endpoint_row);
    std::iter::once(header).chain(rows).collect()
}

fn endpoint_row(endpoint: &EndpointSpec) -> Vec<String> {
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
    let (endpoints, policies) = (files.endpoints(), files.policies());
    vec![
        row(["FILE", "CHANGE IT: THE OBSERVER FOLLOWS"]),
        row([
            &endpoints.display().to_string(),
            "how to add an endpoint stands at its end",
        ]),
        row([&policies.display().to_string(), "one policy in each file"]),
    ]
}

fn commands(alias: Option<&str>, served: &Served) -> Vec<String> {
    let server = if served.hidden {
        format!(" --server {}", quoted(&served.server()))
    } else {
        String::new()
    };
    let mut commands: Vec<String> = alias
        .map(|path| format!("alias tycho={path}"))
        .into_iter()
        .collect();
    commands.extend([
        format!("tycho observe{server} --from-label role=frontend --follow"),
        format!("tycho endpoint list{server}"),
        format!("tycho policy verdict{server} --from role=frontend --to role=db --port 5432/tcp"),
        format!(
            "tycho observe{server} --verdict DROPPED --last 1 -o json | tycho explain{server} -"
        ),
        format!("tycho status{server}"),
        format!("ip netns exec {NAMESPACE_PREFIX}intruder curl -sS -m 1 http://10.1.0.21:8080"),
    ]);
    commands
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

    fn served(hidden: bool) -> Served {
        Served {
            socket: "/run/tycho/observer.sock".into(),
            tcp: None,
            notes: vec!["something differs".to_owned()],
            hidden,
        }
    }

    fn text() -> String {
        let file = manifests::endpoints().unwrap();
        let files = Place::standard().files();
        let mut out = Vec::new();
        write(&mut out, &file, &files, &served(false)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_names_what_was_made_and_fits_a_terminal() {
        let text = text();
        for part in [
            "shop/frontend-2   10.1.0.12   fd00:1::12   app=storefront role=frontend",
            "to db        backend may on TCP 5432",
            "/run/tycho/demo/endpoints.yaml",
            "Note: something differs.",
            "tycho status",
            "| tycho explain -",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        for line in text.lines().filter(|line| !line.contains("alias")) {
            assert!(line.chars().count() <= 100, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }

    #[test]
    fn a_hidden_server_is_named_in_the_commands() {
        for (hidden, alias, expect) in [
            (false, None, "tycho observe --from-label"),
            (false, Some("/x/tycho"), "alias tycho=/x/tycho"),
            (
                true,
                None,
                "tycho observe --server unix:///run/tycho/observer.sock --from-label",
            ),
        ] {
            let commands = commands(alias, &served(hidden));
            assert!(commands[0].starts_with(expect), "{commands:?}");
        }
    }
}
