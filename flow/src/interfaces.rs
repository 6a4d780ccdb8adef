//! Names of network interfaces by number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use prost::Message as _;

/// Interfaces of this node. Few and rarely changed, so a change makes a new list.
#[derive(Debug, Default)]
pub struct InterfaceTable {
    interfaces: ArcSwap<InterfaceNames>,
    edits: AtomicU64,
}

/// The names at one moment.
#[derive(Debug, Default)]
pub struct InterfaceNames {
    sorted: Vec<Interface>,
    /// For small interface numbers, one more than the place in `sorted`: every flow looks its interface up.
    places: Vec<u16>,
}

/// Interface numbers below this one are found without a search.
const DIRECT_NUMBERS: u32 = 1 << 16;

#[derive(Debug, Clone)]
struct Interface {
    ifindex: u32,
    name: String,
    bytes: Box<[u8]>,
}

impl InterfaceTable {
    /// No interfaces.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces all names.
    pub fn replace(&self, interfaces: impl IntoIterator<Item = (u32, String)>) {
        let mut sorted: Vec<Interface> = interfaces
            .into_iter()
            .map(|(ifindex, name)| {
                let message = proto::flow::NetworkInterface {
                    index: ifindex,
                    name: name.clone(),
                };
                Interface {
                    ifindex,
                    name,
                    bytes: message.encode_to_vec().into(),
                }
            })
            .collect();
        sorted.sort_by_key(|interface| interface.ifindex);
        sorted.dedup_by_key(|interface| interface.ifindex);
        let mut places = Vec::new();
        for (place, interface) in (1..=u16::MAX).zip(&sorted) {
            if interface.ifindex < DIRECT_NUMBERS {
                places.resize(interface.ifindex as usize + 1, 0);
                places[interface.ifindex as usize] = place;
            }
        }
        self.interfaces
            .store(Arc::new(InterfaceNames { sorted, places }));
        self.edits.fetch_add(1, Ordering::Release);
    }

    /// The names now.
    #[must_use]
    pub fn names(&self) -> Arc<InterfaceNames> {
        self.interfaces.load_full()
    }

    /// Grows with every change.
    #[must_use]
    pub fn edits(&self) -> u64 {
        self.edits.load(Ordering::Acquire)
    }
}

impl InterfaceNames {
    /// The name of an interface.
    #[must_use]
    pub fn name(&self, ifindex: u32) -> Option<&str> {
        self.find(ifindex).map(|interface| interface.name.as_str())
    }

    /// The numbers of all interfaces of a name.
    pub fn numbers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = u32> + 'a {
        self.sorted
            .iter()
            .filter(move |interface| interface.name == name)
            .map(|interface| interface.ifindex)
    }

    /// The encoded `flow.NetworkInterface`.
    pub(crate) fn bytes(&self, ifindex: u32) -> Option<&[u8]> {
        self.find(ifindex).map(|interface| &*interface.bytes)
    }

    fn find(&self, ifindex: u32) -> Option<&Interface> {
        if let Some(&place @ 1..) = self.places.get(ifindex as usize) {
            return self.sorted.get(usize::from(place) - 1);
        }
        let place = self
            .sorted
            .binary_search_by_key(&ifindex, |interface| interface.ifindex)
            .ok()?;
        self.sorted.get(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_found_by_number_and_by_name() {
        let table = InterfaceTable::new();
        table.replace([
            (900_000, "far".into()),
            (7, "pair".into()),
            (3, "lo".into()),
            (70_000, "pair".into()),
        ]);
        let names = table.names();
        let check = |ifindex, expect| assert_eq!(names.name(ifindex), expect, "{ifindex}");
        check(3, Some("lo"));
        check(7, Some("pair"));
        check(70_000, Some("pair"));
        check(900_000, Some("far"));
        check(0, None);
        check(5, None);
        check(u32::MAX, None);
        assert_eq!(names.numbers("pair").collect::<Vec<_>>(), [7, 70_000]);
    }
}
