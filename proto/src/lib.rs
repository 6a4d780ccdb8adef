//! The wire contract: Hubble's public API and `tycho.v1`, as types, services and descriptors.
//!
//! Module paths follow the packages of the `.proto` files beside this crate's sources: the message
//! `observer.GetFlowsRequest` is [`observer::GetFlowsRequest`]. Field docs are the comments there.

/// Includes what the build script generated for one package.
macro_rules! generated {
    ($name:ident, $package:literal, $doc:literal) => {
        #[doc = $doc]
        #[allow(
            clippy::all,
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            clippy::clone_on_ref_ptr,
            missing_docs,
            unreachable_pub,
            unused_qualifications,
            rustdoc::all,
            reason = "generated code: which lints it meets depends on the .proto files"
        )]
        pub mod $name {
            tonic::include_proto!($package);
        }
    };
}

generated!(
    flow,
    "flow",
    "Package `flow`: traffic as Hubble describes it."
);
generated!(
    observer,
    "observer",
    "Package `observer`: Hubble's API for flows and events."
);
generated!(peer, "peer", "Package `peer`: how a relay learns of nodes.");
generated!(
    relay,
    "relay",
    "Package `relay`: what a relay adds to the streams of its nodes."
);

/// Tycho's own packages.
pub mod tycho {
    generated!(
        v1,
        "tycho.v1",
        "Package `tycho.v1`: what Hubble's messages have no room for."
    );
}

mod descriptors;
pub mod json;

pub use descriptors::{FILE_DESCRIPTOR_SET, descriptor_pool};
