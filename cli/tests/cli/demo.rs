//! `tycho demo` as far as it goes without root.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::binary::{command, finish};

/// The user and group `nobody`.
const NOBODY: u32 = 65_534;

/// A copy that everybody can run: the build directory may be readable by root only.
fn as_nobody(directory: &tempfile::TempDir) -> Command {
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("it is ours");
    let program = directory.path().join("tycho");
    // By another process: were the copy open for writing here, a test that starts a program meanwhile would keep it so,
    // and a file open for writing cannot be run.
    let copied = Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_tycho"))
        .arg(&program)
        .status();
    assert!(copied.expect("cp runs").success(), "there is room");
    let mut command = Command::new(program);
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

#[test]
fn without_root_it_says_what_to_run() {
    let directory = tempfile::tempdir().expect("a directory");
    for arguments in [
        &["demo"][..],
        &["demo", "--duration", "3"],
        &["demo", "--down"],
    ] {
        let run = finish(as_nobody(&directory).args(arguments));
        let program = directory.path().join("tycho");
        let expect = format!("sudo {} {}\n", program.display(), arguments.join(" "));
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("the demo needs root"), "{run:?}");
        assert!(run.stderr.ends_with(&expect), "{run:?}\n{expect}");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    for (arguments, part) in [
        (&["demo", "--down", "--quiet"][..], "cannot be used with"),
        (
            &["demo", "--down", "--duration", "3"],
            "cannot be used with",
        ),
        (&["demo", "--duration", "0"], "0 is not in 1.."),
        (&["demo", "--duration", "soon"], "invalid digit"),
    ] {
        let run = finish(command().args(arguments));
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(part), "{run:?}");
    }
}
