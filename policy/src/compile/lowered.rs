//! What a rule comes to, whoever its subject is: the identities of its peers and the L4 parts of its cells' keys.

use std::sync::Arc;

use super::members::Members;
use crate::evaluate::PolicyModel;
use crate::identity::Identity;
use crate::match_type::MatchType;
use crate::rule::{L4Form, Peers, PortRange, Ports, Rule};

/// A rule that waits for its subjects.
#[derive(Clone, Debug)]
pub(super) struct Lowered {
    /// `None` is anybody.
    pub(super) members: Option<Arc<[Identity]>>,
    pub(super) keys: Vec<L4Key>,
}

/// The L4 part of a cell's key, and what a match there is called.
#[derive(Clone, Debug)]
pub(super) struct L4Key {
    pub(super) protocol: Option<u8>,
    pub(super) port: u16,
    pub(super) port_prefix: u8,
    pub(super) match_type: MatchType,
}

impl Lowered {
    pub(super) fn new(model: &PolicyModel<'_>, rule: &Rule, members: &Members<'_>) -> Self {
        let keys = l4_keys(model, rule);
        let members = match &rule.peers {
            Peers::Any => None,
            Peers::Of(_) if keys.is_empty() => Some(Arc::default()),
            Peers::Of(peers) => Some(members.of(peers)),
        };
        Self { members, keys }
    }
}

fn l4_keys(model: &PolicyModel<'_>, rule: &Rule) -> Vec<L4Key> {
    let match_type = |form| MatchType::of(rule.peers != Peers::Any, form);
    let Ports::Of(specs) = &rule.ports else {
        return vec![L4Key {
            protocol: None,
            port: 0,
            port_prefix: 0,
            match_type: match_type(L4Form::AnyProtocol),
        }];
    };
    let mut keys = Vec::new();
    for spec in specs {
        let form = if spec.ports == PortRange::Any {
            L4Form::Protocol
        } else {
            L4Form::Port
        };
        let prefixes = spec.ports.prefixes(|name| model.ports_of_name(rule, name));
        keys.extend(prefixes.into_iter().map(|(port, port_prefix)| L4Key {
            protocol: Some(spec.protocol),
            port,
            port_prefix,
            match_type: match_type(form),
        }));
    }
    keys
}
