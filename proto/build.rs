//! Compiles the `.proto` files to Rust and to a descriptor set, without `protoc`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Every file of the contract, relative to this folder, which is also the import root.
const FILES: [&str; 14] = [
    "flow/flow.proto",
    "observer/observer.proto",
    "peer/peer.proto",
    "relay/relay.proto",
    "tycho/v1/batches.proto",
    "tycho/v1/dashboard.proto",
    "tycho/v1/edges.proto",
    "tycho/v1/endpoints.proto",
    "tycho/v1/flows.proto",
    "tycho/v1/identities.proto",
    "tycho/v1/journal.proto",
    "tycho/v1/ledger.proto",
    "tycho/v1/nodes.proto",
    "tycho/v1/policies.proto",
];

fn main() -> anyhow::Result<()> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-changed=build.rs");

    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let mut descriptors = protox::compile(FILES, [Path::new(".")])?;
    let shipped = without_source_positions(descriptors.clone());
    std::fs::write(out.join("contract.bin"), shipped.encode_to_vec())?;
    silence_deprecations(&mut descriptors);
    tonic_prost_build::configure()
        // Rows and ends are read where they arrived.
        .bytes(".tycho.v1.Batch")
        .bytes(".tycho.v1.MetadataDefinition")
        // Windows are kept as they are told.
        .bytes(".tycho.v1.Window")
        .bytes(".tycho.v1.EarlyDrops")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Positions and comments serve the generator; every client of server reflection would be sent them.
fn without_source_positions(mut descriptors: FileDescriptorSet) -> FileDescriptorSet {
    for file in &mut descriptors.file {
        file.source_code_info = None;
    }
    descriptors
}

/// Hubble's clients still read the fields it marks as deprecated, so filling them in must not warn.
/// The marks stay in the shipped descriptors.
fn silence_deprecations(descriptors: &mut FileDescriptorSet) {
    for file in &mut descriptors.file {
        file.message_type.iter_mut().for_each(silence_message);
        for value in file.enum_type.iter_mut().flat_map(|each| &mut each.value) {
            if let Some(options) = &mut value.options {
                options.deprecated = None;
            }
        }
    }
}

fn silence_message(message: &mut DescriptorProto) {
    if let Some(options) = &mut message.options {
        options.deprecated = None;
    }
    for options in message
        .field
        .iter_mut()
        .filter_map(|field| field.options.as_mut())
    {
        options.deprecated = None;
    }
    message.nested_type.iter_mut().for_each(silence_message);
}
