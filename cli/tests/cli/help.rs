//! `--help` as it was last approved. `TYCHO_BLESS=1 cargo test -p cli` approves what it is now.

use crate::binary::tycho;
use crate::snapshot;

fn check(name: &str, arguments: &[&str]) {
    let run = tycho(arguments);
    assert_eq!(run.code, 0, "{run:?}");
    // clap leaves spaces at the ends of some lines.
    let lines: Vec<&str> = run.stdout.lines().map(str::trim_end).collect();
    snapshot::check(
        &format!("help/{name}.txt"),
        &format!("{}\n", lines.join("\n")),
    );
}

#[test]
fn help() {
    #[cfg(all(feature = "observer", feature = "relay"))]
    check("tycho", &["--help"]);
    #[cfg(all(feature = "observer", feature = "relay"))]
    check("demo", &["demo", "--help"]);
    #[cfg(feature = "relay")]
    check("relay", &["relay", "--help"]);
    check("observe", &["observe", "--help"]);
    check("status", &["status", "--help"]);
    check("certs", &["certs", "--help"]);
    check("version", &["version", "--help"]);
    check("explain", &["explain", "--help"]);
    for command in ["flows", "agent-events"] {
        let name = format!("observe-{command}");
        check(&name, &["observe", command, "--help"]);
    }
    for (group, commands) in [
        ("list", &["nodes", "namespaces"][..]),
        ("watch", &["peers"]),
        ("endpoint", &["list", "get", "add", "remove", "label"]),
        ("identity", &["list", "get"]),
        ("registry", &["nodes", "policy", "service"]),
        (
            "policy",
            &[
                "check", "import", "get", "list", "delete", "unused", "verdict",
            ],
        ),
    ] {
        check(group, &[group, "--help"]);
        for command in commands {
            check(&format!("{group}-{command}"), &[group, command, "--help"]);
        }
    }
}

#[test]
fn version() {
    let run = tycho(&["version"]);
    let expected = format!("tycho {} (hubble API 1.19.4)\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((run.stdout, run.code), (expected, 0));
}
