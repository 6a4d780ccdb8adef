//! The compiler: rules → the cells that the kernel looks up.

mod policy_set;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

pub use policy_set::{Cell, LOOKUP_ANY_PROTOCOL, PolicySet, PolicySetId};

use crate::evaluate::{Enforcement, is_enforced};
use crate::identity::{Identities, Identity};
use crate::label::LabelSet;
use crate::match_type::MatchType;
use crate::rule::{Direction, L4Form, Peers, PortRange, Ports, Rule};
use crate::rule_set::{RuleRef, RuleSet};

/// Compiles many subjects against one state of rules and identities; what peers select is worked out once.
#[derive(Debug)]
pub struct Compiler<'a> {
    rules: &'a RuleSet,
    identities: &'a Identities,
    enforcement: Enforcement,
    members: RefCell<HashMap<&'a Peers, Arc<[Identity]>>>,
}

/// One form of a rule's ports: the L4 part of a cell's key.
#[derive(Clone, Copy)]
struct L4Key {
    protocol: Option<u8>,
    port: u16,
    port_prefix: u8,
    form: L4Form,
}

impl<'a> Compiler<'a> {
    /// A compiler for this state.
    pub fn new(rules: &'a RuleSet, identities: &'a Identities, enforcement: Enforcement) -> Self {
        Self {
            rules,
            identities,
            enforcement,
            members: RefCell::default(),
        }
    }

    /// The policy set of every endpoint with these labels.
    pub fn compile(&self, subject: &LabelSet) -> PolicySet {
        let mut cells = Vec::new();
        if self.enforcement != Enforcement::Never {
            for (reference, rule, rank) in self.rules.rules_for(subject) {
                self.lower(reference, rule, rank, &mut cells);
            }
        }
        let enforced = |direction| is_enforced(self.rules, self.enforcement, subject, direction);
        PolicySet::new(
            enforced(Direction::Ingress),
            enforced(Direction::Egress),
            cells,
        )
    }

    fn lower(&self, reference: RuleRef, rule: &'a Rule, rank: u32, cells: &mut Vec<Cell>) {
        let by_identity = rule.peers != Peers::Any;
        let cell = |identity: Option<Identity>, key: &L4Key| Cell {
            direction: rule.key.direction,
            identity,
            protocol: key.protocol,
            port: key.port,
            port_prefix: key.port_prefix,
            rank,
            rule: reference,
            action: rule.key.action,
            match_type: MatchType::of(by_identity, key.form),
        };
        let keys = l4_keys(&rule.ports);
        if by_identity {
            for &identity in self.members(&rule.peers).iter() {
                cells.extend(keys.iter().map(|key| cell(Some(identity), key)));
            }
        } else {
            cells.extend(keys.iter().map(|key| cell(None, key)));
        }
    }

    fn members(&self, peers: &'a Peers) -> Arc<[Identity]> {
        if let Some(known) = self.members.borrow().get(peers) {
            return Arc::clone(known);
        }
        let members: Arc<[Identity]> = self
            .identities
            .iter()
            .filter(|(identity, labels)| peers.contain(*identity, labels))
            .map(|(identity, _)| identity)
            .collect();
        self.members
            .borrow_mut()
            .insert(peers, Arc::clone(&members));
        members
    }
}

fn l4_keys(ports: &Ports) -> Vec<L4Key> {
    let Ports::Of(specs) = ports else {
        return vec![L4Key {
            protocol: None,
            port: 0,
            port_prefix: 0,
            form: L4Form::AnyProtocol,
        }];
    };
    specs
        .iter()
        .flat_map(|spec| {
            let form = if spec.ports == PortRange::Any {
                L4Form::Protocol
            } else {
                L4Form::Port
            };
            spec.ports
                .prefixes()
                .into_iter()
                .map(move |(port, port_prefix)| L4Key {
                    protocol: Some(spec.protocol),
                    port,
                    port_prefix,
                    form,
                })
        })
        .collect()
}
