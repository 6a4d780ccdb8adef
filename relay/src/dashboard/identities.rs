//! Which labels make an identity on a node, as its edges tell them. Flows show all labels of their ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use flow::edges::Labels;
use policy::{LabelFilter, LabelSet};

/// Identities of one node that are remembered.
const MOST: usize = 1 << 17;

/// Labels by node and identity.
#[derive(Debug, Default)]
pub(crate) struct IdentityLabels {
    nodes: Mutex<HashMap<String, HashMap<u32, Labels>>>,
    /// Grows when an identity gets other labels.
    changes: AtomicU64,
    /// What counts where no edge has told it: the nodes' default.
    filter: LabelFilter,
}

impl IdentityLabels {
    /// Takes in what a node tells.
    pub(crate) fn learn(&self, node: &str, identity: u32, labels: &Labels) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match nodes.get_mut(node) {
            Some(known) => known,
            None => nodes.entry(node.to_owned()).or_default(),
        };
        if known.get(&identity) == Some(labels) {
            return;
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(identity, Labels::clone(labels));
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// What was kept from an earlier state may be wrong now.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The labels of an identity of a node; `all` are those of an end that has it.
    pub(crate) fn of(&self, node: &str, identity: u32, all: Option<&LabelSet>) -> Labels {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let told = nodes.get(node).and_then(|known| known.get(&identity));
        match (told, all) {
            (Some(labels), _) => Labels::clone(labels),
            (None, Some(all)) => self.relevant(all),
            (None, None) => Labels::from([]),
        }
    }

    /// Those of all labels that make an identity, as far as one can know it.
    pub(crate) fn relevant(&self, all: &LabelSet) -> Labels {
        let relevant = self.filter.relevant(all);
        relevant.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_has_told_goes_before_what_is_likely() {
        let identities = IdentityLabels::default();
        let all = LabelSet::parse(["k8s:role=db", "k8s:pod-template-hash=1"]).unwrap();
        assert_eq!(&*identities.of("n", 300, Some(&all)), ["k8s:role=db"]);
        let told: Labels = ["k8s:tier=x".to_owned()].into();
        let before = identities.changes();
        identities.learn("n", 300, &told);
        assert!(identities.changes() > before);
        assert_eq!(identities.of("n", 300, Some(&all)), told);
        assert_eq!(&*identities.of("m", 300, Some(&all)), ["k8s:role=db"]);
        assert!(identities.of("m", 300, None).is_empty());
        let before = identities.changes();
        identities.learn("n", 300, &told);
        assert_eq!(identities.changes(), before, "it is no news");
    }
}
