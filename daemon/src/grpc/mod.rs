//! gRPC below the generated code: requests as bytes, and many responses in one buffer.

mod frame;
mod request;

pub use frame::{CHUNK_BYTES, Chunk};
pub use request::read_message;
