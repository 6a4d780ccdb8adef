//! The two filters that a set of flags builds: one for the source, one for the destination.
//!
//! A flag that names a side (`--from-label`) goes into both filters. A flag that names none
//! (`--label`) puts its source form into the first and its destination form into the second, so that
//! the two, ORed, mean "either end" and never mix the source of one flag with the destination of another.

use proto::flow::FlowFilter;

use super::flag::Field;
use super::namespace::Namespaces;

/// Filters under construction, and the flags that went into them.
#[derive(Default)]
pub(super) struct FilterPair {
    source: Option<FlowFilter>,
    destination: Option<FlowFilter>,
    /// Namespaces apply to pod and service names at the end, whatever the order of the flags.
    pub(super) namespaces: Namespaces,
    flags: Vec<&'static str>,
}

impl FilterPair {
    /// Adds a value to the same field of both filters.
    pub(super) fn push<T: Clone>(&mut self, field: Field<T>, value: T) {
        field(self.source.get_or_insert_default()).push(value.clone());
        field(self.destination.get_or_insert_default()).push(value);
    }

    /// Adds a value to one field of the source filter and its counterpart of the destination filter.
    pub(super) fn push_either<T: Clone>(
        &mut self,
        source: Field<T>,
        destination: Field<T>,
        value: T,
    ) {
        source(self.source.get_or_insert_default()).push(value.clone());
        destination(self.destination.get_or_insert_default()).push(value);
    }

    /// Notes that a flag was used.
    pub(super) fn note(&mut self, flag: &'static str) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// Whether the flag was used.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// Checks that pods and services agree with the namespaces given.
    pub(super) fn check_namespaces(&self) -> Result<(), String> {
        for filter in [&self.source, &self.destination].into_iter().flatten() {
            self.namespaces.check(filter)?;
        }
        Ok(())
    }

    /// The finished filters: none, one (both sides the same), or two.
    pub(super) fn finish(self) -> Vec<FlowFilter> {
        if self.source.is_none() && self.destination.is_none() && self.namespaces.is_empty() {
            return Vec::new();
        }
        let mut source = self.source.unwrap_or_default();
        let mut destination = self.destination.unwrap_or_default();
        self.namespaces.apply(&mut source, &mut destination);
        if source == destination {
            vec![source]
        } else {
            vec![source, destination]
        }
    }
}
