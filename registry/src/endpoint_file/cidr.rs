//! Networks of the endpoint file: those that policies speak of.

pub use policy::{Cidr, CidrError};
