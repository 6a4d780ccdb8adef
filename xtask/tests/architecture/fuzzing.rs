//! The fuzz targets: each in its file, with seeds that people can read, over the versions that the workspace links.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::repository::{METADATA, Package, Target, entries, root};

const FOLDER: &str = "fuzz";

/// Their input is bytes that nobody would write by hand.
const WITHOUT_SEEDS: [&str; 2] = ["batches", "records"];

fn targets() -> &'static [Target] {
    let mut packages = METADATA.iter().flat_map(|metadata| &metadata.packages);
    let package = packages.find(|package| package.source.is_none() && package.name == FOLDER);
    &package.expect("the package is there").targets
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let paths = entries(folder).into_iter();
    paths
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn each_target_is_a_file_of_its_name() {
    let folder = root().join(FOLDER).join("targets");
    let names: BTreeSet<String> = targets().iter().map(|each| each.name.clone()).collect();
    assert_eq!(names, names_in(&folder));
    for target in targets() {
        let file = [
            format!("{}.rs", target.name),
            format!("{}/main.rs", target.name),
        ];
        let paths: Vec<PathBuf> = file.iter().map(|file| folder.join(file)).collect();
        assert!(
            paths.contains(&target.src_path),
            "{}",
            target.src_path.display()
        );
    }
}

#[test]
fn seeds_are_text_and_belong_to_a_target() {
    let seeds = root().join(FOLDER).join("seeds");
    let mut wanted: BTreeSet<String> = targets().iter().map(|each| each.name.clone()).collect();
    wanted.retain(|name| !WITHOUT_SEEDS.contains(&name.as_str()));
    assert_eq!(names_in(&seeds), wanted);
    for folder in entries(&seeds) {
        let files = entries(&folder);
        assert!(!files.is_empty(), "{} is empty", folder.display());
        for file in files {
            let bytes = fs::read(&file).unwrap();
            assert!(
                String::from_utf8(bytes).is_ok(),
                "{} is no text",
                file.display()
            );
        }
    }
}

/// What is fuzzed is what is linked: the lock file of the fuzz targets has no other version of what both use.
#[test]
fn versions_are_those_of_the_workspace() {
    let [workspace, _, fuzz] = &*METADATA;
    let of = |packages: &[Package], name: &str| -> BTreeSet<String> {
        let named = packages.iter().filter(|package| package.name == name);
        named.map(|package| package.version.clone()).collect()
    };
    let mut compared = 0;
    for package in &fuzz.packages {
        let ours = of(&workspace.packages, &package.name);
        if !ours.is_empty() {
            assert!(
                ours.contains(&package.version),
                "{} {} is fuzzed, {ours:?} is linked: cargo update --manifest-path fuzz/Cargo.toml --precise",
                package.name,
                package.version
            );
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared} packages in common");
}
