//! `interface`: by number, by name, or both.

use std::sync::Arc;

use proto::flow::NetworkInterface;

use crate::interfaces::InterfaceTable;
use crate::row::low;

#[derive(Debug)]
pub(super) struct Interfaces {
    wanted: Vec<NetworkInterface>,
    table: Arc<InterfaceTable>,
    edits: u64,
    /// Numbers that match with today's names.
    numbers: Vec<u32>,
}

impl Interfaces {
    pub(super) fn new(wanted: &[NetworkInterface], table: Arc<InterfaceTable>) -> Self {
        let mut interfaces = Self {
            wanted: wanted.to_vec(),
            table,
            edits: 0,
            numbers: Vec::new(),
        };
        interfaces.resolve();
        interfaces
    }

    /// Follows changes of names.
    pub(super) fn prepare(&mut self) {
        if self.table.edits() != self.edits {
            self.resolve();
        }
    }

    fn resolve(&mut self) {
        self.edits = self.table.edits();
        let names = self.table.names();
        self.numbers.clear();
        for NetworkInterface { index, name } in &self.wanted {
            match (*index, name.as_str()) {
                (0, name) => self.numbers.extend(names.numbers(name)),
                (index, "") => self.numbers.push(index),
                (index, name) => self
                    .numbers
                    .extend((names.name(index) == Some(name)).then_some(index)),
            }
        }
    }

    #[inline]
    pub(super) fn test(&self, interface_word: u64) -> bool {
        self.numbers.contains(&low(interface_word))
    }
}
