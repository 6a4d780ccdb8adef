//! Which identities addresses resolve to: a policy set may be edited in place only for others.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use policy::Identity;

/// So long a program may go on that has read the IP cache before a change of it; it runs for microseconds.
const LINGER: Duration = Duration::from_secs(1);

/// Identities in the IP cache, with how many entries have each.
#[derive(Debug, Default)]
pub(super) struct Resolving {
    entries: HashMap<u32, usize>,
    /// Identities whose last entry went away, and when.
    left: HashMap<u32, Instant>,
}

impl Resolving {
    /// One more entry.
    pub(super) fn add(&mut self, identity: u32) {
        *self.entries.entry(identity).or_default() += 1;
    }

    /// One entry less.
    pub(super) fn remove(&mut self, identity: u32, now: Instant) {
        if let Some(count) = self.entries.get_mut(&identity) {
            *count -= 1;
            if *count == 0 {
                self.entries.remove(&identity);
                self.left.insert(identity, now);
            }
        }
    }

    /// Forgets those that left long ago.
    pub(super) fn forget(&mut self, now: Instant) {
        self.left
            .retain(|_, left| now.saturating_duration_since(*left) < LINGER);
    }

    /// Whether some program may know an address of it. What no map knows resolves to reserved identities.
    pub(super) fn contains(&self, identity: Identity) -> bool {
        identity.name().is_some()
            || self.entries.contains_key(&identity.0)
            || self.left.contains_key(&identity.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_lingers_after_its_last_address() {
        let mut resolving = Resolving::default();
        let start = Instant::now();
        let check = |resolving: &Resolving, expect| {
            assert_eq!(resolving.contains(Identity(300)), expect);
            assert!(resolving.contains(Identity::WORLD));
        };
        check(&resolving, false);
        resolving.add(300);
        resolving.add(300);
        resolving.remove(300, start);
        resolving.forget(start + LINGER);
        check(&resolving, true);
        resolving.remove(300, start);
        resolving.remove(301, start);
        resolving.forget(start + LINGER / 2);
        check(&resolving, true);
        resolving.forget(start + LINGER);
        check(&resolving, false);
    }
}
