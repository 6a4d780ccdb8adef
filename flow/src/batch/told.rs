//! What a stream has been told of one lane, so that nothing is told twice and nothing is missing.

use std::sync::Arc;

use super::definitions::{interface_definition, metadata_definition, rule_definition};
use crate::encode::{Names, Views};
use crate::metadata::{FIRST_FREE_INDEX, MetadataVersion};
use crate::rules::Rule;
use crate::sparse::Sparse;

use proto::tycho::v1::Batch;

/// The definitions of one lane that were sent.
#[derive(Debug)]
pub(super) struct Told {
    lane: u32,
    names: Names,
    views: Views,
    /// By metadata index; the version is kept, so that another one under its index is seen to be another.
    metadata: Sparse<Arc<MetadataVersion>>,
    rules: Sparse<Arc<Rule>>,
    interfaces: Vec<u32>,
}

impl Told {
    pub(super) fn new(lane: u32, names: Names) -> Self {
        Self {
            lane,
            views: names.views(),
            names,
            metadata: Sparse::default(),
            rules: Sparse::default(),
            interfaces: Vec::new(),
        }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Takes new views of the tables, and forgets having told what means something else now.
    pub(super) fn refresh(&mut self) {
        let before = std::mem::replace(&mut self.views, self.names.views());
        if !self.views.same_metadata(&before) {
            let views = &self.views;
            self.metadata.retain(|index, told| {
                let now = views.metadata(index);
                now.is_some_and(|now| Arc::ptr_eq(told, now))
            });
        }
        if !self.views.same_rules(&before) {
            let views = &self.views;
            self.rules.retain(|number, told| {
                let now = views.rule(number);
                now.is_some_and(|now| Arc::ptr_eq(told, now))
            });
        }
        if !self.views.same_interfaces(&before) {
            self.interfaces.clear();
        }
    }

    /// Adds what a row refers to and was not told yet.
    #[inline]
    pub(super) fn tell(&mut self, metadata: [u32; 2], rule: u32, ifindex: u32, batch: &mut Batch) {
        for index in metadata {
            if index >= FIRST_FREE_INDEX && self.metadata.get(index).is_none() {
                self.tell_metadata(index, batch);
            }
        }
        if rule != 0 && self.rules.get(rule).is_none() {
            self.tell_rule(rule, batch);
        }
        if ifindex != 0 && self.interfaces.binary_search(&ifindex).is_err() {
            self.tell_interface(ifindex, batch);
        }
    }

    #[cold]
    fn tell_metadata(&mut self, index: u32, batch: &mut Batch) {
        // What the table does not know (any more) the other side does not know either.
        if let Some(version) = self.views.metadata(index) {
            batch.metadata.push(metadata_definition(self.lane, version));
            *self.metadata.slot(index) = Some(Arc::clone(version));
        }
    }

    #[cold]
    fn tell_rule(&mut self, number: u32, batch: &mut Batch) {
        if let Some(rule) = self.views.rule(number) {
            batch.rules.push(rule_definition(self.lane, number, rule));
            *self.rules.slot(number) = Some(Arc::clone(rule));
        }
    }

    #[cold]
    fn tell_interface(&mut self, ifindex: u32, batch: &mut Batch) {
        if let Some(name) = self.views.interface_name(ifindex) {
            batch
                .interfaces
                .push(interface_definition(self.lane, ifindex, name));
        }
        // One without a name is not looked up at each row either.
        if let Err(place) = self.interfaces.binary_search(&ifindex) {
            self.interfaces.insert(place, ifindex);
        }
    }
}
