//! Reading what edges have counted: once for all who want to know.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use flow::edges::{EdgeNames, EdgeReading};

use super::{Control, ControlError, FRESH_EDGES};

impl Control {
    /// The newest reading: a new one, unless the last one is young. Between two steps of the thread, so no edge is on its
    /// way from the kernel to what is saved of it.
    pub(super) fn read_edges(&mut self) -> Result<Arc<EdgeReading>, ControlError> {
        let is_fresh = self
            .edges_read
            .is_some_and(|read| read.elapsed() < FRESH_EDGES);
        if let Some(newest) = self.node.edges.newest().filter(|_| is_fresh) {
            return Ok(newest);
        }
        let counted = self.maps.edges().map_err(ControlError::Read)?;
        self.edges_read = Some(Instant::now());
        let names = EdgeNames {
            identities: Arc::clone(&self.planner.view().identities),
            rules: self.node.names.rules.snapshot(),
            endpoints: self.names_of_slots(counted.other_slots),
        };
        let since_ns = self.maps.counted_since_ns();
        let since_ns = since_ns.saturating_add_signed(self.node.clock_offset_ns);
        let reading = EdgeReading::new(
            self.node.names.node_name.clone(),
            self.node.names.epoch,
            (since_ns, self.node.wall_ns()),
            counted.totals,
            names,
        );
        Ok(self.node.edges.publish(reading))
    }

    fn names_of_slots(&self, slots: Vec<(u16, u32)>) -> BTreeMap<u32, Vec<String>> {
        let endpoints = self.desired.endpoints.iter();
        let names: HashMap<u16, &String> = endpoints
            .map(|endpoint| (endpoint.row.endpoint, &endpoint.name))
            .collect();
        let mut named: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for (number, slot) in slots {
            if let Some(name) = names.get(&number) {
                named.entry(slot).or_default().push((*name).clone());
            }
        }
        named.values_mut().for_each(|names| names.sort_unstable());
        named
    }
}
