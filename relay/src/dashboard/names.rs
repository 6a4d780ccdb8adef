//! Names that get a number when they are first met: label sets, rules, nodes. What is new or has changed can be told apart.

use std::collections::HashMap;
use std::hash::Hash;

/// Things by number and number by thing. Number 0 is never given.
#[derive(Debug)]
pub(crate) struct Numbered<K, V> {
    numbers: HashMap<K, u32>,
    entries: Vec<Option<Entry<V>>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// The revision of the tables in which it was last changed.
    revision: u64,
}

impl<K, V> Default for Numbered<K, V> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            entries: vec![None],
            free: Vec::new(),
        }
    }
}

impl<K: Eq + Hash, V> Numbered<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn number<Q>(&self, key: &Q) -> Option<u32>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.numbers.get(key).copied()
    }

    pub(crate) fn value(&self, number: u32) -> Option<&V> {
        let entry = self.entries.get(number as usize)?.as_ref()?;
        Some(&entry.value)
    }

    /// The value, to be changed silently: who was told of it is not told again.
    pub(crate) fn value_mut(&mut self, number: u32) -> Option<&mut V> {
        let entry = self.entries.get_mut(number as usize)?.as_mut()?;
        Some(&mut entry.value)
    }

    /// Says that a value has changed.
    pub(crate) fn touch(&mut self, number: u32, revision: u64) {
        if let Some(Some(entry)) = self.entries.get_mut(number as usize) {
            entry.revision = revision;
        }
    }

    /// Gives a number to what has none.
    pub(crate) fn add(&mut self, key: K, value: V, revision: u64) -> u32 {
        let entry = Some(Entry { value, revision });
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        self.numbers.insert(key, number);
        number
    }

    /// Takes the numbers away from what is not to be kept.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, u32, &V) -> bool) {
        let (entries, free) = (&mut self.entries, &mut self.free);
        self.numbers.retain(|key, number| {
            let entry = &mut entries[*number as usize];
            let is_kept = entry
                .as_ref()
                .is_some_and(|entry| keep(key, *number, &entry.value));
            if !is_kept {
                *entry = None;
                free.push(*number);
            }
            is_kept
        });
    }

    /// What was added or changed after a revision, by number.
    pub(crate) fn since(&self, revision: u64) -> impl Iterator<Item = (u32, &V)> {
        let entries = self.entries.iter().enumerate();
        entries.filter_map(move |(number, entry)| {
            let entry = entry.as_ref().filter(|entry| entry.revision > revision)?;
            Some((number as u32, &entry.value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_told_apart_and_given_again() {
        let mut names: Numbered<String, &str> = Numbered::default();
        assert_eq!(names.add("a".to_owned(), "A", 1), 1);
        assert_eq!(names.add("b".to_owned(), "B", 2), 2);
        assert_eq!(names.number("a"), Some(1));
        assert_eq!(names.since(1).collect::<Vec<_>>(), [(2, &"B")]);
        names.touch(1, 3);
        assert_eq!(names.since(2).collect::<Vec<_>>(), [(1, &"A")]);
        names.retain(|key, _, _| key == "b");
        assert_eq!(
            (names.number("a"), names.value(1), names.len()),
            (None, None, 1)
        );
        assert_eq!(names.add("c".to_owned(), "C", 4), 1);
        assert_eq!(names.value(1), Some(&"C"));
    }
}
