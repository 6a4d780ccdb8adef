//! Compiles `bpf-probes` for the kernel and hands the object's path to the crate as `TYCHO_BPF_OBJECT_PATH`.
//!
//! `TYCHO_BPF_OBJECT=file` uses a ready object instead. A missing toolchain is an error that names the command to install it.

#[path = "build/probes.rs"]
mod probes;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-env-changed=TYCHO_BPF_OBJECT");
    match object() {
        Ok(object) => {
            println!(
                "cargo::rustc-env=TYCHO_BPF_OBJECT_PATH={}",
                object.display()
            );
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

/// The eBPF object: the given one, or a fresh build.
fn object() -> Result<PathBuf, String> {
    if let Some(given) = env::var_os("TYCHO_BPF_OBJECT") {
        println!("cargo::rerun-if-changed={}", Path::new(&given).display());
        return fs::canonicalize(&given)
            .map_err(|error| format!("TYCHO_BPF_OBJECT={}: {error}", Path::new(&given).display()));
    }
    let root = PathBuf::from(set_by_cargo("CARGO_MANIFEST_DIR")).join("..");
    for source in [
        "bpf-probes/src",
        "bpf-probes/Cargo.toml",
        "bpf-probes/Cargo.lock",
        "bpf-events/src",
        "bpf-events/Cargo.toml",
        "Cargo.toml",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    build(&root)
}

/// Compiles the programs; returns this build's own copy of the object.
fn build(root: &Path) -> Result<PathBuf, String> {
    let out_dir = PathBuf::from(set_by_cargo("OUT_DIR"));
    let target_dir = shared_target_dir(&out_dir).unwrap_or_else(|| out_dir.join("target"));
    let endian = utf8(set_by_cargo("CARGO_CFG_TARGET_ENDIAN"));
    let architecture = utf8(set_by_cargo("CARGO_CFG_TARGET_ARCH"));
    let manifest = root.join("bpf-probes/Cargo.toml");
    let toolchain = probes::Toolchain::find(
        Path::new(&set_by_cargo("CARGO")),
        Path::new(&set_by_cargo("RUSTC")),
    )
    .map_err(|missing| missing.to_string())?;
    let status = toolchain
        .command("build", &manifest, &target_dir, &architecture, &endian)
        .map_err(|missing| missing.to_string())?
        .status()
        .map_err(|error| format!("cargo for the eBPF programs did not start: {error}"))?;
    if !status.success() {
        return Err(format!(
            "the eBPF programs do not compile with {} ({status})",
            toolchain.origin
        ));
    }
    let built = target_dir
        .join(probes::target(&endian))
        .join("release/bpf-probes");
    let object = out_dir.join("bpf-probes.o");
    fs::copy(&built, &object)
        .map_err(|error| format!("copy {} to {}: {error}", built.display(), object.display()))?;
    Ok(object)
}

/// One folder for all builds of the programs: they do not depend on the host's profile, and `cargo clippy`, `cargo build`
/// and `cargo build --release` each have an `OUT_DIR` of their own (`<target>/<profile>/build/<package>/out`).
fn shared_target_dir(out_dir: &Path) -> Option<PathBuf> {
    let build = out_dir
        .ancestors()
        .find(|folder| folder.ends_with("build"))?;
    Some(build.parent()?.parent()?.join("bpf-probes"))
}

fn set_by_cargo(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name} for build scripts"))
}

fn utf8(text: OsString) -> String {
    text.into_string()
        .expect("cargo's configuration values are plain words")
}
