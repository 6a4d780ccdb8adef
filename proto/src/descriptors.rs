//! The contract as data: for server reflection, JSON and the contract's own tests.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// An encoded `google.protobuf.FileDescriptorSet` of the whole contract and all it imports.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"));

/// The contract's descriptors, decoded at the first call.
pub fn descriptor_pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        DescriptorPool::decode(FILE_DESCRIPTOR_SET)
            .expect("the build script wrote this set from files it had compiled")
    });
    &POOL
}
