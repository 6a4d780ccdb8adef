//! Whether two versions are the same to the kernel's maps, wherever and by whomever they were written down.

use std::sync::Arc;

use policy::{Cell, RuleRef};

use super::{EndpointView, Sets};

/// Whether nothing is to be told of an endpoint: what the maps know of it, its labels and its state are as before.
pub(super) fn in_the_maps(old: &EndpointView, new: &EndpointView) -> bool {
    let what = |view: &EndpointView| {
        (
            view.number,
            view.identity,
            view.mode,
            view.ingress,
            view.egress,
            view.standing.state,
        )
    };
    let spec = |view: &EndpointView| {
        (
            view.spec.ips.clone(),
            view.spec.workload.clone(),
            view.spec.ports.clone(),
            view.spec.spoofing.clone(),
        )
    };
    what(old) == what(new)
        && old.labels == new.labels
        && old.interface == new.interface
        && old.standing.reason == new.standing.reason
        && (Arc::ptr_eq(&old.spec, &new.spec) || spec(old) == spec(new))
}

impl Sets {
    /// Whether the set of that number says the same in both.
    pub(super) fn same(&self, other: &Self, number: u32) -> bool {
        let (Some(old), Some(new)) = (self.sets.get(&number), other.sets.get(&number)) else {
            return false;
        };
        if self.default_rules.get(&number) != other.default_rules.get(&number) {
            return false;
        }
        if Arc::ptr_eq(old, new) && Arc::ptr_eq(&self.rules, &other.rules) {
            return true;
        }
        let flags = |set: &policy::PolicySet| {
            (
                (set.ingress_enforced, set.ingress_audited),
                (set.egress_enforced, set.egress_audited),
            )
        };
        let mut cells = old.cells.iter().zip(&new.cells);
        flags(old) == flags(new)
            && old.cells.len() == new.cells.len()
            && cells.all(|(old, new)| {
                bare(old) == bare(new) && self.rules.get(&old.rule) == other.rules.get(&new.rule)
            })
    }
}

/// A cell without what is only its place in one rule set.
fn bare(cell: &Cell) -> Cell {
    Cell {
        rank: 0,
        rule: RuleRef(0),
        ..*cell
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use policy::{
        Compiler, Enforcement, Identities, Identity, LabelSet, NamedPorts, PolicyModel,
        PolicyRepository,
    };

    use super::*;

    /// The set of `role=db`, as number 1, under these policies; rules are numbered in the order of their names.
    fn sets(texts: &[(&str, &str)], default_rule: u32) -> Sets {
        let mut repository = PolicyRepository::new();
        for (name, ingress) in texts {
            let text = format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n\
                 spec: {{podSelector: {{matchLabels: {{role: db}}}}, ingress: {ingress}}}\n"
            );
            repository.replace_file(name, &text).unwrap();
        }
        let mut identities = Identities::new();
        let labels = ["k8s:role=db", "k8s:io.kubernetes.pod.namespace=shop"];
        let labels = LabelSet::parse(labels).unwrap();
        identities.insert(Identity(300), labels.clone()).unwrap();
        let model = PolicyModel {
            rules: repository.rules(),
            enforcement: Enforcement::Default,
            named_ports: &NamedPorts::default(),
        };
        let set = Compiler::new(model, &identities).compile(&labels);
        let names = repository.rules().rules();
        let number = |name: &str| {
            name.bytes()
                .fold(7, |sum, byte| sum * 31 % 1_000_003 + u32::from(byte))
        };
        Sets {
            sets: BTreeMap::from([(1, Arc::new(set))]),
            default_rules: HashMap::from([(1, [default_rule, 0])]),
            rules: Arc::new(
                names
                    .map(|(reference, rule)| (reference, number(&rule.key.to_string())))
                    .collect(),
            ),
        }
    }

    #[test]
    fn a_set_is_the_same_wherever_its_rules_stand() {
        let all = ("b", "[{}]");
        let port = "[{ports: [{port: 80}]}]";
        let base = sets(&[all], 9);
        let check = |other: &Sets, expect| assert_eq!(base.same(other, 1), expect, "{other:?}");
        check(&base.clone(), true);
        check(&sets(&[all], 9), true);
        check(&sets(&[all], 8), false);
        check(&sets(&[("b", port)], 9), false);
        check(&sets(&[("c", "[{}]")], 9), false);
        check(&sets(&[], 9), false);
        assert!(!base.same(&base, 2), "nobody knows a set 2");
        // A rule that decides before it and never for it moves it to another place.
        let before = sets(
            &[("a", "[{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]"), all],
            9,
        );
        check(&before, true);
    }
}
