//! Compiles the `.proto` files to Rust and to a descriptor set, without `protoc`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use prost::Message as _;

/// Every file of the contract, relative to this folder, which is also the import root.
const FILES: [&str; 6] = [
    "flow/flow.proto",
    "observer/observer.proto",
    "peer/peer.proto",
    "relay/relay.proto",
    "tycho/v1/flows.proto",
    "tycho/v1/ledger.proto",
];

#[expect(clippy::print_stdout, reason = "cargo reads a build script's output")]
fn main() -> anyhow::Result<()> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-changed=build.rs");

    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let descriptors = protox::compile(FILES, [Path::new(".")])?;
    // Source positions and comments serve the generator only; every client of reflection would be sent them.
    let mut shipped = descriptors.clone();
    for file in &mut shipped.file {
        file.source_code_info = None;
    }
    std::fs::write(out.join("contract.bin"), shipped.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
