//! The two hooks of an endpoint.

use aya::programs::TcAttachType;

/// Which way packets go, as the endpoint sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// What leaves the endpoint: the host end's tc ingress.
    FromEndpoint,
    /// What goes to the endpoint: the host end's tc egress.
    ToEndpoint,
}

impl Hook {
    /// Both.
    pub const ALL: [Self; 2] = [Self::FromEndpoint, Self::ToEndpoint];

    /// Name of the program, and part of the link's pin.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromEndpoint => "from_endpoint",
            Self::ToEndpoint => "to_endpoint",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    pub(crate) const fn attach_type(self) -> TcAttachType {
        match self {
            Self::FromEndpoint => TcAttachType::Ingress,
            Self::ToEndpoint => TcAttachType::Egress,
        }
    }

    pub(crate) const fn place(self) -> &'static str {
        match self {
            Self::FromEndpoint => "tc ingress",
            Self::ToEndpoint => "tc egress",
        }
    }
}
