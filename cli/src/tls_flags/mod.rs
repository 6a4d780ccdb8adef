//! Options of TLS, alike for all commands that serve and for all that ask.

mod client;
#[cfg(any(feature = "observer", feature = "relay"))]
mod server;

pub(crate) use client::{ClientTlsFlags, TlsFlagsError};
#[cfg(any(feature = "observer", feature = "relay"))]
pub(crate) use server::ServerTlsFlags;
