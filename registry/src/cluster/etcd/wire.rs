//! The part of etcd's API that is used, as `registry/proto` has it.

/// Includes what the build script generated for one package.
macro_rules! generated {
    ($name:ident, $package:literal) => {
        #[allow(
            clippy::all,
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            clippy::clone_on_ref_ptr,
            missing_docs,
            unreachable_pub,
            unused_qualifications,
            dead_code,
            reason = "generated code: which lints it meets depends on the .proto files"
        )]
        pub(super) mod $name {
            tonic::include_proto!($package);
        }
    };
}

generated!(mvccpb, "mvccpb");
generated!(etcdserverpb, "etcdserverpb");
