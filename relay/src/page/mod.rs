//! The web page: its files, the relay's services as gRPC-web, and who may ask for them, on ports of their own.

mod config;
mod files;
mod headers;
mod index;
mod names;
mod prefix;
mod routes;

pub use config::{DEFAULT_PAGE, PageConfig, PageListen};
pub use names::{PageName, PageNameError};
pub use prefix::{PagePrefix, PagePrefixError};
pub(crate) use routes::routes;
