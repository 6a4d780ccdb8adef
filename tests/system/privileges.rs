//! What needs root says so, with the command to run instead.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use tempfile::TempDir;
use tests::binary::{Run, finish, path};

const NOBODY: u32 = 65_534;

/// Runs `tycho` without privileges: as root, a copy of it as `nobody`, who may not see the original.
fn unprivileged(folder: &TempDir, arguments: &[&str]) -> Run {
    if !nix::unistd::geteuid().is_root() {
        return finish(Command::new(path()).args(arguments));
    }
    let copy = folder.path().join("tycho");
    if !copy.exists() {
        fs::copy(path(), &copy).expect("there is room");
    }
    let open = Permissions::from_mode(0o777);
    fs::set_permissions(folder.path(), open).expect("it is ours");
    let mut command = Command::new(copy);
    command.args(arguments).uid(NOBODY).gid(NOBODY);
    finish(command.current_dir(folder.path()))
}

#[test]
fn observer_and_demo_need_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let endpoints = folder.path().join("endpoints.yaml");
    fs::write(&endpoints, "node: node-a\n").expect("written");
    let endpoints = endpoints.to_str().expect("text");
    let socket = format!("unix://{}", folder.path().join("observer.sock").display());
    let state = folder.path().to_str().expect("text");
    let observer = [
        "observer",
        "--endpoints",
        endpoints,
        "--listen",
        &socket,
        "--state",
        state,
    ];
    unprivileged(&folder, &observer).assert_refused(
        1,
        &[
            "the observer needs root",
            "CAP_NET_ADMIN",
            "CAP_SYS_ADMIN",
            "sudo tycho observer",
        ],
    );
    unprivileged(&folder, &["demo", "--quiet"])
        .assert_refused(1, &["the demo needs root", "sudo ", "tycho demo --quiet"]);
}
