//! What is different between two states.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One difference between an older and a newer map of entries.
#[derive(Debug, PartialEq, Eq)]
pub enum Change<'a, K, V> {
    /// Only the newer has it.
    Added(&'a K, &'a Arc<V>),
    /// Both have it, with another content.
    Changed(&'a K, &'a Arc<V>, &'a Arc<V>),
    /// Only the older has it.
    Removed(&'a K, &'a Arc<V>),
}

/// The differences from `old` to `new`, in order of key; of [`Change::Changed`] the older comes first. Entries of two
/// states that did not change are the same allocation, so that each costs a comparison of pointers.
pub fn changes<'a, K: Ord, V: PartialEq>(
    old: &'a BTreeMap<K, Arc<V>>,
    new: &'a BTreeMap<K, Arc<V>>,
) -> Vec<Change<'a, K, V>> {
    if std::ptr::eq(old, new) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut old = old.iter().peekable();
    let mut new = new.iter().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let older = if order.is_le() { old.next() } else { None };
        let newer = if order.is_ge() { new.next() } else { None };
        match (older, newer) {
            (Some((_, older)), Some((key, newer))) => {
                if !Arc::ptr_eq(older, newer) && older != newer {
                    found.push(Change::Changed(key, older, newer));
                }
            }
            (Some((key, older)), None) => found.push(Change::Removed(key, older)),
            (None, Some((key, newer))) => found.push(Change::Added(key, newer)),
            (None, None) => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_those_of_the_content() {
        let map = |entries: &[(u8, &'static str)]| -> BTreeMap<u8, Arc<&'static str>> {
            let entries = entries.iter();
            entries.map(|(key, text)| (*key, Arc::new(*text))).collect()
        };
        let check = |old: &[(u8, &'static str)], new: &[(u8, &'static str)], expect: &str| {
            let (old, new) = (map(old), map(new));
            let found: Vec<String> = changes(&old, &new)
                .iter()
                .map(|change| match change {
                    Change::Added(key, to) => format!("+{key}{to}"),
                    Change::Changed(key, from, to) => format!("{key}{from}>{to}"),
                    Change::Removed(key, from) => format!("-{key}{from}"),
                })
                .collect();
            assert_eq!(found.join(" "), expect);
        };
        check(&[], &[], "");
        check(&[(1, "a")], &[(1, "a")], "");
        check(&[], &[(1, "a"), (2, "b")], "+1a +2b");
        check(&[(1, "a"), (2, "b")], &[], "-1a -2b");
        check(
            &[(1, "a"), (3, "c"), (5, "e")],
            &[(2, "b"), (3, "x"), (5, "e"), (6, "f")],
            "-1a +2b 3c>x +6f",
        );
    }
}
