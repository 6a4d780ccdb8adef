//! Makes a CA and the certificates of a small cluster: who may serve under which name, who may ask, who may change.
//!
//! It is for clusters without a PKI of their own, for the demo and for tests. Servers and clients read nothing but PEM
//! files, wherever these come from.

mod authority;
mod directory;
mod leaf;
mod validity;

pub use authority::{Authority, AuthorityError, Issued};
pub use directory::{Directory, DirectoryError, Made};
pub use leaf::{Leaf, NameError};
pub use validity::Validity;
