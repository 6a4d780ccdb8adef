//! The states of an endpoint, and how one follows from what is seen.

use proto::tycho::v1::EndpointState;

/// What is seen of an endpoint at one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// No numbers could be given.
    NoNumbers {
        /// Why.
        reason: String,
    },
    /// No numbers are there yet: the registry was asked for them.
    NumbersAsked {
        /// For what.
        reason: String,
    },
    /// Its interface is not there.
    NoInterface {
        /// Why.
        reason: String,
    },
    /// The interface is there, and something about it does not work.
    Refused {
        /// Why.
        reason: String,
    },
    /// The programs are attached and know the endpoint.
    Attached,
    /// Nobody wants it any more, and it is not gone yet.
    Unwanted,
}

/// The state of an endpoint since some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The state.
    pub(crate) state: EndpointState,
    /// Why it is not ready; empty if it is.
    pub(crate) reason: String,
    /// Since when, nanoseconds since 1970.
    pub(crate) since_ns: u64,
}

impl Standing {
    /// The first state of an endpoint that nobody has looked for.
    pub(crate) fn new(now_ns: u64) -> Self {
        Self {
            state: EndpointState::WaitingForIdentity,
            reason: "its numbers are not given yet".to_owned(),
            since_ns: now_ns,
        }
    }

    /// The state after a look. Another reason for the same state does not begin it anew.
    pub(crate) fn after(&self, seen: &Seen, now_ns: u64) -> Self {
        let (state, reason) = match seen {
            // What was given stays given: an endpoint in force is not set back by numbers for a newer version of it.
            Seen::NumbersAsked { reason } => (EndpointState::WaitingForIdentity, reason.clone()),
            Seen::NoNumbers { reason } if self.state == EndpointState::WaitingForIdentity => {
                (self.state, reason.clone())
            }
            Seen::NoNumbers { reason } => (EndpointState::PartlyObserved, reason.clone()),
            Seen::NoInterface { reason } => (EndpointState::WaitingForInterface, reason.clone()),
            Seen::Refused { reason } => (EndpointState::PartlyObserved, reason.clone()),
            Seen::Attached => (EndpointState::Ready, String::new()),
            Seen::Unwanted => (
                EndpointState::Disconnecting,
                "it was removed, and its interface is not free yet".to_owned(),
            ),
        };
        let since_ns = if state == self.state {
            self.since_ns
        } else {
            now_ns
        };
        Self {
            state,
            reason,
            since_ns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointState::{
        Disconnecting, PartlyObserved, Ready, WaitingForIdentity, WaitingForInterface,
    };

    #[test]
    fn what_is_seen_leads_from_state_to_state() {
        let no_numbers = Seen::NoNumbers {
            reason: "full".to_owned(),
        };
        let no_interface = Seen::NoInterface {
            reason: "no veth".to_owned(),
        };
        let refused = Seen::Refused {
            reason: "busy".to_owned(),
        };
        let looks = [
            (no_numbers.clone(), WaitingForIdentity, "full", 1),
            (no_interface.clone(), WaitingForInterface, "no veth", 20),
            (no_interface.clone(), WaitingForInterface, "no veth", 20),
            (refused.clone(), PartlyObserved, "busy", 40),
            (Seen::Attached, Ready, "", 50),
            (Seen::Attached, Ready, "", 50),
            (no_numbers.clone(), PartlyObserved, "full", 70),
            (refused, PartlyObserved, "busy", 70),
            (Seen::Attached, Ready, "", 90),
            (no_interface, WaitingForInterface, "no veth", 100),
            (Seen::Unwanted, Disconnecting, "it was removed", 110),
            (Seen::Attached, Ready, "", 120),
        ];
        let mut standing = Standing::new(1);
        assert_eq!(standing.state, WaitingForIdentity);
        for (step, (seen, state, reason, since_ns)) in looks.into_iter().enumerate() {
            standing = standing.after(&seen, 10 * (step as u64 + 1));
            assert_eq!(
                (standing.state, standing.since_ns),
                (state, since_ns),
                "{step}"
            );
            assert!(standing.reason.starts_with(reason), "{step}: {standing:?}");
            assert_eq!(standing.reason.is_empty(), state == Ready);
        }
    }
}
