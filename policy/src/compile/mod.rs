//! The compiler: rules → the cells that the kernel looks up.

mod lowered;
mod members;
mod policy_set;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use lowered::Lowered;
use members::Members;
pub use policy_set::{Cell, LOOKUP_ANY_PROTOCOL, PolicySet, PolicySetId};

use crate::evaluate::{Enforcement, PolicyModel};
use crate::identity::{Identities, Identity};
use crate::label::LabelSet;
use crate::rule::{Action, Direction};
use crate::rule_set::RuleRef;

/// Compiles many subjects against one state of rules and identities. What a rule selects is worked out once, and so is the
/// set of subjects that the same policies select.
#[derive(Debug)]
pub struct Compiler<'a> {
    model: PolicyModel<'a>,
    members: Members<'a>,
    /// By [`RuleRef`].
    lowered: Vec<OnceCell<Lowered>>,
    /// By the policies that select the subject, in their order.
    compiled: RefCell<HashMap<Box<[usize]>, PolicySet>>,
}

impl<'a> Compiler<'a> {
    /// A compiler for this state.
    pub fn new(model: PolicyModel<'a>, identities: &'a Identities) -> Self {
        Self {
            model,
            members: Members::new(identities),
            lowered: vec![OnceCell::new(); model.rules.len()],
            compiled: RefCell::default(),
        }
    }

    /// The policy set of every endpoint with these labels.
    pub fn compile(&self, subject: &LabelSet) -> PolicySet {
        if self.model.enforcement == Enforcement::Never {
            return PolicySet::default();
        }
        let selecting = self.model.rules.positions_selecting(subject);
        if let Some(known) = self.compiled.borrow().get(&selecting) {
            return known.clone();
        }
        let set = self.compile_for(subject, &selecting);
        self.compiled.borrow_mut().insert(selecting, set.clone());
        set
    }

    fn compile_for(&self, subject: &LabelSet, selecting: &[usize]) -> PolicySet {
        let mut cells = Vec::new();
        for &policy in selecting {
            for &rule in self.model.rules.rules_of(policy) {
                self.lower(rule, &mut cells);
            }
        }
        let default_deny = |direction| self.model.default_deny(subject, direction);
        PolicySet::new(
            default_deny(Direction::Ingress),
            default_deny(Direction::Egress),
            cells,
        )
    }

    fn lower(&self, reference: RuleRef, cells: &mut Vec<Cell>) {
        let rules = self.model.rules;
        let (Some(rule), Some(rank)) = (rules.rule(reference), rules.rank(reference)) else {
            return;
        };
        let Some(place) = usize::try_from(reference.0)
            .ok()
            .and_then(|place| self.lowered.get(place))
        else {
            return;
        };
        let lowered = place.get_or_init(|| Lowered::new(&self.model, rule, &self.members));
        let audit = rule.key.action == Action::Deny && rules.is_audited(reference);
        let cell = |identity: Option<Identity>, key: &lowered::L4Key| Cell {
            direction: rule.key.direction,
            audit,
            identity,
            protocol: key.protocol,
            port: key.port,
            port_prefix: key.port_prefix,
            rank,
            rule: reference,
            action: rule.key.action,
            match_type: key.match_type,
        };
        match &lowered.members {
            Some(members) => {
                cells.reserve(members.len() * lowered.keys.len());
                for &identity in members.iter() {
                    cells.extend(lowered.keys.iter().map(|key| cell(Some(identity), key)));
                }
            }
            None => cells.extend(lowered.keys.iter().map(|key| cell(None, key))),
        }
    }
}
