//! `--help` as it was last approved. `TYCHO_BLESS=1 cargo test -p cli` approves what it is now.

use crate::binary::{fixture, tycho};

fn check(name: &str, arguments: &[&str]) {
    let run = tycho(arguments);
    assert_eq!(run.code, 0, "{run:?}");
    // clap leaves spaces at the ends of some lines.
    let lines: Vec<&str> = run.stdout.lines().map(str::trim_end).collect();
    let help = format!("{}\n", lines.join("\n"));
    let path = fixture(&format!("help/{name}.txt"));
    if std::env::var_os("TYCHO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("the folder");
        std::fs::write(&path, help).expect("the snapshot is written");
        return;
    }
    let approved = std::fs::read_to_string(&path).expect("run once with TYCHO_BLESS=1");
    assert_eq!(help, approved, "TYCHO_BLESS=1 approves a change of {name}");
}

#[test]
fn help() {
    #[cfg(feature = "observer")]
    check("tycho", &["--help"]);
    #[cfg(feature = "observer")]
    check("demo", &["demo", "--help"]);
    check("observe", &["observe", "--help"]);
    check("status", &["status", "--help"]);
    check("version", &["version", "--help"]);
}

#[test]
fn version() {
    let run = tycho(&["version"]);
    let expected = format!("tycho {} (hubble API 1.19.4)\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((run.stdout, run.code), (expected, 0));
}
