//! The repository as the tests see it: its files and its workspaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;

/// The workspaces, by their manifests.
pub(crate) const MANIFESTS: [&str; 3] = ["Cargo.toml", "bpf-probes/Cargo.toml", "fuzz/Cargo.toml"];

/// What cargo knows of each workspace.
pub(crate) static METADATA: LazyLock<[Metadata; 3]> = LazyLock::new(|| MANIFESTS.map(metadata));

#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// None if the package lies in a folder of ours.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) src_path: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None if it is an ordinary one.
    pub(crate) kind: Option<String>,
    pub(crate) source: Option<String>,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root")
}

pub(crate) fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn metadata(manifest: &str) -> Metadata {
    let text = cargo(&[
        "metadata",
        "--format-version=1",
        "--manifest-path",
        manifest,
    ]);
    serde_json::from_str(&text).unwrap()
}

/// Our packages of all workspaces, each once.
pub(crate) fn members() -> Vec<&'static Package> {
    let members = METADATA.iter().flat_map(|metadata| {
        metadata
            .packages
            .iter()
            .filter(|package| metadata.workspace_members.contains(&package.id))
    });
    members.collect()
}

/// Folders of the root, without the hidden ones and those that builds make.
pub(crate) fn top_level_folders() -> Vec<String> {
    let names = entries(root()).into_iter().filter(|path| path.is_dir());
    names
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

/// All Rust files, relative to the root.
pub(crate) fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    assert!(
        files.len() > 20,
        "the walk found {} files only",
        files.len()
    );
    files
        .iter()
        .map(|file| file.strip_prefix(root()).unwrap().to_path_buf())
        .collect()
}

pub(crate) fn text(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let built = ["target", "node_modules", "dist"];
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        !name.starts_with('.') && !built.contains(&&*name)
    });
    paths.sort();
    paths
}
