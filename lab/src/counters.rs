//! What an interface of a namespace has counted, from `/proc/net/dev`.

use std::io;

use nix::errno::Errno;
use thiserror::Error;

use crate::namespace::{Namespace, NamespaceError};

/// The table of the calling thread's namespace; `/proc/net/dev` would be the main thread's.
const TABLE: &str = "/proc/thread-self/net/dev";

/// Why an interface's counters or number could not be read.
#[derive(Debug, Error)]
pub enum CountersError {
    /// The namespace could not be entered.
    #[error("cannot look into namespace {namespace}")]
    Namespace {
        /// Its name.
        namespace: String,
        /// Why.
        source: NamespaceError,
    },
    /// The kernel's table could not be read.
    #[error("cannot read {TABLE} in namespace {namespace}")]
    Read {
        /// The namespace.
        namespace: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The namespace has no such interface.
    #[error("there is no interface {interface} in namespace {namespace}")]
    NoInterface {
        /// The namespace.
        namespace: String,
        /// The interface looked for.
        interface: String,
    },
}

/// Packets and bytes (with their Ethernet headers) of one interface since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received and dropped by the interface.
    pub rx_dropped: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets that could not be sent; on veth: the other end's queue was full.
    pub tx_dropped: u64,
}

/// Reads the counters of one interface of a namespace.
///
/// # Errors
/// The namespace cannot be entered or has no such interface.
pub fn interface_counters(
    namespace: &Namespace,
    interface: &str,
) -> Result<InterfaceCounters, CountersError> {
    let name = || namespace.name().to_owned();
    let table = namespace
        .run(|| std::fs::read_to_string(TABLE))
        .map_err(|source| CountersError::Namespace {
            namespace: name(),
            source,
        })?
        .map_err(|source| CountersError::Read {
            namespace: name(),
            source,
        })?;
    parse_row(&table, interface).ok_or_else(|| CountersError::NoInterface {
        namespace: name(),
        interface: interface.to_owned(),
    })
}

/// The kernel's number of an interface of a namespace (its ifindex).
///
/// # Errors
/// The namespace cannot be entered or has no such interface.
pub fn interface_index(namespace: &Namespace, interface: &str) -> Result<u32, CountersError> {
    let name = || namespace.name().to_owned();
    namespace
        .run(|| nix::net::if_::if_nametoindex(interface))
        .map_err(|source| CountersError::Namespace {
            namespace: name(),
            source,
        })?
        .map_err(|error| match error {
            Errno::ENODEV | Errno::EINVAL => CountersError::NoInterface {
                namespace: name(),
                interface: interface.to_owned(),
            },
            other => CountersError::Read {
                namespace: name(),
                source: other.into(),
            },
        })
}

/// Sixteen numbers follow `name:`: eight of receiving, eight of sending, each starting with
/// bytes, packets, errors, drops.
fn parse_row(table: &str, interface: &str) -> Option<InterfaceCounters> {
    let numbers = table.lines().find_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        (name.trim() == interface).then_some(numbers)
    })?;
    let numbers: Vec<u64> = numbers
        .split_ascii_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [
        rx_bytes,
        rx_packets,
        _,
        rx_dropped,
        _,
        _,
        _,
        _,
        tx_bytes,
        tx_packets,
        _,
        tx_dropped,
        ..,
    ] = numbers.as_slice()
    else {
        return None;
    };
    Some(InterfaceCounters {
        rx_packets: *rx_packets,
        rx_bytes: *rx_bytes,
        rx_dropped: *rx_dropped,
        tx_packets: *tx_packets,
        tx_bytes: *tx_bytes,
        tx_dropped: *tx_dropped,
    })
}

#[cfg(test)]
mod tests {
    use super::{InterfaceCounters, parse_row};

    const TABLE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  eth0: 1000001      11    1    2    0     0          0         3  2000002      22    4    5    0     0       0          0
eth0.7:18446744073709551615 1 0 0 0 0 0 0 7 8 0 0 0 0 0 0
 short: 1 2 3
 words: a b c d e f g h i j k l m n o p
";

    #[test]
    fn rows_of_the_table() {
        let eth0 = InterfaceCounters {
            rx_packets: 11,
            rx_bytes: 1_000_001,
            rx_dropped: 2,
            tx_packets: 22,
            tx_bytes: 2_000_002,
            tx_dropped: 5,
        };
        let vlan = InterfaceCounters {
            rx_packets: 1,
            rx_bytes: u64::MAX,
            tx_packets: 8,
            tx_bytes: 7,
            ..InterfaceCounters::default()
        };
        let cases = [
            ("lo", Some(InterfaceCounters::default())),
            ("eth0", Some(eth0)),
            ("eth0.7", Some(vlan)),
            ("eth", None),
            ("face", None),
            ("short", None),
            ("words", None),
        ];
        for (interface, expected) in cases {
            assert_eq!(parse_row(TABLE, interface), expected, "{interface}");
        }
    }
}
