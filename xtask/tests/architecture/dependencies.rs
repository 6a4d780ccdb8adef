//! Who may use whom.

use crate::repository::{cargo, members};

/// Each folder and those of ours that it may use. `cli` and `tests` put everything together.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("bpf-events", &[]),
    ("bpf-probes", &["bpf-events"]),
    ("bpf-loader", &["bpf-events", "policy"]),
    ("proto", &[]),
    ("policy", &[]),
    ("flow", &["bpf-events", "proto", "policy"]),
    ("registry", &["proto", "policy"]),
    ("daemon", &[]),
    ("certificates", &["daemon"]),
    ("lab", &[]),
    (
        "observer",
        &[
            "bpf-events",
            "bpf-loader",
            "proto",
            "policy",
            "flow",
            "registry",
            "daemon",
        ],
    ),
    ("relay", &["proto", "policy", "flow", "registry", "daemon"]),
    ("xtask", &[]),
    (
        "fuzz",
        &["bpf-events", "proto", "policy", "flow", "registry"],
    ),
];
const MAY_USE_ALL: [&str; 2] = ["cli", "tests"];

#[test]
fn packages_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for package in members() {
        if MAY_USE_ALL.contains(&package.name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("{} is not in the table", package.name));
            continue;
        };
        // Tests of a package may use what they like.
        let ours = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.source.is_none());
        for dependency in ours.filter(|dependency| dependency.kind.as_deref() != Some("dev")) {
            if !allowed.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} must not use {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_package_is_named_as_its_folder() {
    for package in members() {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|path| path.file_name())
            .unwrap();
        assert_eq!(folder, package.name.as_str());
    }
}

#[test]
fn packages_take_the_lints_of_the_workspace() {
    for package in members()
        .iter()
        .filter(|package| package.name != "bpf-probes")
    {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not",
            package.name
        );
    }
}

#[test]
fn client_commands_build_without_bpf() {
    let tree = cargo(&[
        "tree",
        "--package",
        "cli",
        "--no-default-features",
        "--edges=normal",
        "--prefix=none",
    ]);
    assert!(tree.starts_with("cli "), "{tree}");
    let bpf: Vec<&str> = tree
        .lines()
        .filter(|line| line.starts_with("aya") || line.starts_with("bpf-loader "))
        .collect();
    assert!(
        bpf.is_empty(),
        "cli without its default features still has {bpf:?}"
    );
}
