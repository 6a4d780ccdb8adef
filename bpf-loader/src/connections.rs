//! Conntrack as user space sees it: listing, and which entries owe an event or have expired.

use std::collections::HashSet;
use std::net::IpAddr;

use aya::Ebpf;
use bpf_events::connection::{Connection, ConnectionKey4, ConnectionKey6, lifetime_seconds};
use zerocopy::IntoBytes;

use crate::error::LoaderError;
use crate::hash::EvictingHash;

/// Key of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionKey {
    /// IPv4.
    V4(ConnectionKey4),
    /// IPv6.
    V6(ConnectionKey6),
}

impl ConnectionKey {
    /// Number of the endpoint that has the entry.
    pub fn endpoint(&self) -> u16 {
        match self {
            Self::V4(key) => key.endpoint,
            Self::V6(key) => key.endpoint,
        }
    }

    /// IP protocol.
    pub fn protocol(&self) -> u8 {
        match self {
            Self::V4(key) => key.protocol,
            Self::V6(key) => key.protocol,
        }
    }

    /// The endpoint's address and port, then the other side's.
    pub fn ends(&self) -> ((IpAddr, u16), (IpAddr, u16)) {
        match self {
            Self::V4(key) => (
                (ipv4(key.local_address), key.local_port),
                (ipv4(key.remote_address), key.remote_port),
            ),
            Self::V6(key) => (
                (ipv6(key.local_address), key.local_port),
                (ipv6(key.remote_address), key.remote_port),
            ),
        }
    }
}

fn ipv4(address: u32) -> IpAddr {
    address.to_ne_bytes().into()
}

fn ipv6(address: [u32; 4]) -> IpAddr {
    <[u8; 16]>::try_from(address.as_bytes())
        .expect("four words are sixteen bytes")
        .into()
}

/// What a walk over conntrack found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Idle entries with something pending.
    pub owing: Vec<ConnectionKey>,
    /// Entries past their lifetime.
    pub expired: Vec<ConnectionKey>,
    /// Entries in all: IPv4, IPv6.
    pub present: [u64; 2],
}

/// Reader of `CONNECTIONS4` and `CONNECTIONS6`.
#[derive(Debug)]
pub struct Connections {
    v4: EvictingHash,
    v6: EvictingHash,
}

impl Connections {
    pub(crate) fn take(ebpf: &mut Ebpf) -> Result<Self, LoaderError> {
        Ok(Self {
            v4: EvictingHash::take(ebpf, "CONNECTIONS4")?,
            v6: EvictingHash::take(ebpf, "CONNECTIONS6")?,
        })
    }

    /// Visits every entry.
    pub fn for_each(
        &self,
        mut visit: impl FnMut(ConnectionKey, &Connection),
    ) -> Result<(), LoaderError> {
        self.v4
            .for_each(|key: &ConnectionKey4, connection: &Connection| {
                visit(ConnectionKey::V4(*key), connection);
            })?;
        self.v6
            .for_each(|key: &ConnectionKey6, connection: &Connection| {
                visit(ConnectionKey::V6(*key), connection);
            })
    }

    /// Entries that each family has room for.
    pub(crate) fn capacity(&self) -> Result<[u32; 2], LoaderError> {
        Ok([self.v4.capacity()?, self.v6.capacity()?])
    }

    /// Edge slots in which connections count.
    pub(crate) fn edge_slots(&self) -> Result<HashSet<u32>, LoaderError> {
        let mut slots = HashSet::new();
        self.for_each(|_, connection| {
            slots.insert(connection.edge_slot);
        })?;
        Ok(slots)
    }

    /// Entries that have been quiet for `idle` jiffies and owe an event, and entries past their lifetime.
    pub(crate) fn walk(
        &self,
        now: u64,
        idle: u64,
        jiffies_per_second: u64,
    ) -> Result<Walk, LoaderError> {
        let mut walk = Walk::default();
        self.for_each(|key, connection| {
            walk.present[usize::from(matches!(key, ConnectionKey::V6(_)))] += 1;
            let quiet = now.saturating_sub(connection.seen_jiffies);
            if quiet >= idle && connection.pending_packets != [0; 2] {
                walk.owing.push(key);
            }
            if is_expired(&key, connection, now, jiffies_per_second) {
                walk.expired.push(key);
            }
        })?;
        Ok(walk)
    }

    /// Removes an entry that was found expired; returns its last state. A packet may have made it anew since: looked at
    /// once more, so that it is not taken away from a connection that lives.
    pub(crate) fn remove_expired(
        &self,
        key: &ConnectionKey,
        now: u64,
        jiffies_per_second: u64,
    ) -> Result<Option<Connection>, LoaderError> {
        let found = match key {
            ConnectionKey::V4(key) => self.v4.look_up(key),
            ConnectionKey::V6(key) => self.v6.look_up(key),
        };
        let expired =
            |connection: &Connection| is_expired(key, connection, now, jiffies_per_second);
        if !found?.as_ref().is_some_and(expired) {
            return Ok(None);
        }
        match key {
            ConnectionKey::V4(key) => self.v4.remove(key),
            ConnectionKey::V6(key) => self.v6.remove(key),
        }
    }
}

/// Whether the last packet is longer ago than the entry counts.
fn is_expired(
    key: &ConnectionKey,
    connection: &Connection,
    now: u64,
    jiffies_per_second: u64,
) -> bool {
    let quiet = now.saturating_sub(connection.seen_jiffies);
    quiet > lifetime_seconds(key.protocol(), connection.state) * jiffies_per_second
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_expires_after_its_lifetime_and_not_if_it_was_seen_since() {
        let key = ConnectionKey::V4(ConnectionKey4 {
            protocol: 17,
            ..ConnectionKey4::default()
        });
        for (seen_jiffies, expect) in [
            (1_000, true),
            (3_999, true),
            (4_000, false),
            (11_000, false),
        ] {
            let connection = Connection {
                seen_jiffies,
                ..Connection::default()
            };
            assert_eq!(
                is_expired(&key, &connection, 10_000, 100),
                expect,
                "{seen_jiffies}"
            );
        }
    }
}
