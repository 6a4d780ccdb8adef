//! Installs what a fresh machine lacks, by its ordinary package managers; silent when nothing is missing.

mod compiler;
mod debian;
mod etcd;
mod fuzzer;
mod linker;
mod llvm;
mod node;

use std::env;
use std::path::Path;

use crate::probes::Toolchain;
use crate::repository;

pub(crate) use node::Node;

/// What the build needs: a compiler for the eBPF programs and its linker.
pub(crate) fn build_tools() -> anyhow::Result<()> {
    if env::var_os("TYCHO_BPF_OBJECT").is_some() {
        println!("setup: TYCHO_BPF_OBJECT is set, no eBPF toolchain is needed");
        return Ok(());
    }
    let toolchain = compiler::ensure()?;
    linker::ensure(&toolchain)
}

/// What `check` needs beyond the build: rustfmt, clippy for both compilers, and what the fuzz targets are built with.
pub(crate) fn check_tools() -> anyhow::Result<()> {
    compiler::ensure_lints(&toolchain()?)?;
    fuzzer::ensure_compiler()
}

/// What the demo and the kernel tests need.
pub(crate) fn network_tools() -> anyhow::Result<()> {
    if on_path("ip") {
        return Ok(());
    }
    debian::install(
        &["iproute2"],
        "`ip`, with which the demo's network namespaces can be looked into",
    )
}

/// What the tests of the cluster's registry need, and a demo with etcd.
pub(crate) fn registry_tools() -> anyhow::Result<()> {
    etcd::ensure()
}

/// What the web page is built with.
pub(crate) fn page_tools() -> anyhow::Result<Node> {
    if !on_path("protoc") && env::var_os("PROTOC").is_none() {
        debian::install(
            &["protobuf-compiler"],
            "`protoc`, which makes the page's messages",
        )?;
    }
    node::ensure()
}

/// What the page is looked at with, in tests.
pub(crate) fn browser() -> anyhow::Result<()> {
    if on_path("chromium") {
        return Ok(());
    }
    debian::install(&["chromium"], "the browser in which the web page is tested")
}

/// What the fuzz targets need.
pub(crate) fn fuzz_tools() -> anyhow::Result<()> {
    fuzzer::ensure()
}

/// The compiler for the eBPF programs.
pub(crate) fn toolchain() -> anyhow::Result<Toolchain> {
    let found = Toolchain::find(&repository::cargo_path(), &repository::rustc_path());
    found.map_err(|missing| anyhow::anyhow!("{missing}"))
}

/// Whether a program can be started by its name; `/usr/sbin` is not in every user's PATH.
fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(|folder| Path::new(folder).to_path_buf()))
        .any(|folder| folder.join(program).is_file())
}
