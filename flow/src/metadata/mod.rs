//! Who was behind an address, and when: every version of an endpoint, identity or range has an index.

mod encoded;
mod reserved;
mod table;
mod version;

pub(crate) use encoded::read_lines;
pub use reserved::{FIRST_FREE_INDEX, reserved_content};
pub use table::MetadataTable;
pub use version::{MetadataContent, MetadataKind, MetadataVersion, Workload};
