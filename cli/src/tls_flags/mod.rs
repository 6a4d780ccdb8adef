//! Options of TLS, alike for all commands that serve and for all that ask.

mod client;
#[cfg(feature = "observer")]
mod server;

pub(crate) use client::{ClientTlsFlags, TlsFlagsError};
#[cfg(feature = "observer")]
pub(crate) use server::ServerTlsFlags;
