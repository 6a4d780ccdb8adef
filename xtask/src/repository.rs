//! Where the repository lies, and the cargo that started us.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root")
}

/// The cargo that runs `cargo xtask`.
pub(crate) fn cargo_path() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The compiler of the host's programs.
pub(crate) fn rustc_path() -> PathBuf {
    env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from)
}

/// `cargo <arguments>` in the root.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(cargo_path());
    command.current_dir(root()).args(arguments);
    command
}

/// Where cargo builds: the programs' artifacts and the measurements lie there.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |given| root().join(given))
}

/// The folder that the build script of `bpf-loader` uses too.
pub(crate) fn probes_target_dir() -> PathBuf {
    target_dir().join("bpf-probes")
}

/// Whether this process may load eBPF programs and make namespaces.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
