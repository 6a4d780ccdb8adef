//! The specification of a CiliumNetworkPolicy and of its cluster-wide sister (`cilium.io/v2`).
//!
//! Semantics as documented by Cilium ("Policy Enforcement Modes" and "Layer 3 Examples"):
//! - A section (`ingress`, `ingressDeny`, …) with an entry puts the selected endpoints into default deny for its direction;
//!   an empty one is as if absent. `enableDefaultDeny` overrides that.
//! - An empty rule `- {}` enforces and matches nothing (the example `egress-default-deny`); in a deny section likewise.
//! - A rule with ports and without peers matches any peer; peers without ports match any protocol, ICMP included.
//! - `fromEndpoints: []` names nobody; `fromEndpoints: [{}]` every endpoint of the policy's namespace.
//! - Peers of two sorts in one rule are refused, as are `icmps` beside `toPorts`.

use std::sync::Arc;

use super::error::ReadError;
use super::owner::Owner;
use super::peers::{Names, peers};
use super::place::{Fields, Place};
use super::{icmp, ports, selectors, unsupported};
use crate::rule::{Action, Direction, Peers, Policy, Ports, Rule, RuleKey};
use crate::selector::Selector;

struct Section {
    field: &'static str,
    direction: Direction,
    action: Action,
}

const SECTIONS: [Section; 4] = [
    Section {
        field: "ingress",
        direction: Direction::Ingress,
        action: Action::Allow,
    },
    Section {
        field: "ingressDeny",
        direction: Direction::Ingress,
        action: Action::Deny,
    },
    Section {
        field: "egress",
        direction: Direction::Egress,
        action: Action::Allow,
    },
    Section {
        field: "egressDeny",
        direction: Direction::Egress,
        action: Action::Deny,
    },
];

pub(super) fn policy(owner: Owner<'_>, spec: &Place<'_>) -> Result<Policy, ReadError> {
    let known = [
        "endpointSelector",
        "description",
        "labels",
        "enableDefaultDeny",
    ];
    let known: Vec<&str> = known
        .into_iter()
        .chain(SECTIONS.map(|section| section.field))
        .collect();
    let fields = spec.fields(&known, unsupported::SPECIFICATION)?;
    let namespace = &owner.name.namespace;
    let subject = Arc::new(selectors::subject(
        &fields.required("endpointSelector")?,
        namespace,
    )?);
    let mut rules = Vec::new();
    let mut any_section = false;
    for section in &SECTIONS {
        if let Some(place) = fields.optional(section.field)? {
            any_section = true;
            rules.extend(section_rules(&owner, section, &subject, &place)?);
        }
    }
    let chosen = enable_default_deny(&fields)?;
    if !any_section && chosen == (None, None) {
        let names = SECTIONS.map(|section| section.field).join(", ");
        return Err(spec.invalid(format!(
            "none of {names} is there: the policy would do nothing"
        )));
    }
    let has_rule = |direction| {
        rules
            .iter()
            .any(|rule: &Rule| rule.key.direction == direction)
    };
    let default_deny = (
        chosen.0.unwrap_or_else(|| has_rule(Direction::Ingress)),
        chosen.1.unwrap_or_else(|| has_rule(Direction::Egress)),
    );
    Ok(owner.policy(subject, default_deny, rules))
}

fn enable_default_deny(spec: &Fields<'_>) -> Result<(Option<bool>, Option<bool>), ReadError> {
    let Some(place) = spec.optional("enableDefaultDeny")? else {
        return Ok((None, None));
    };
    let fields = place.fields(&["ingress", "egress"], &[])?;
    let flag = |name| {
        fields
            .optional(name)?
            .map(|place| place.boolean())
            .transpose()
    };
    Ok((flag("ingress")?, flag("egress")?))
}

fn section_rules(
    owner: &Owner<'_>,
    section: &Section,
    subject: &Arc<Selector>,
    place: &Place<'_>,
) -> Result<Vec<Rule>, ReadError> {
    let names = Names::of(section.direction);
    let namespace = &owner.name.namespace;
    (0u32..)
        .zip(place.list()?)
        .map(|(index, entry)| {
            let (peers, ports) = peers_and_ports(names, namespace, &entry)?;
            let Section {
                direction, action, ..
            } = *section;
            let key = RuleKey {
                action,
                policy: Arc::clone(&owner.name),
                direction,
                index,
            };
            Ok(Rule {
                key,
                subject: Arc::clone(subject),
                peers,
                ports,
                line: entry.line(),
            })
        })
        .collect()
}

fn peers_and_ports(
    names: &Names,
    namespace: &str,
    entry: &Place<'_>,
) -> Result<(Peers, Ports), ReadError> {
    let fields = entry.fields(
        &[
            names.endpoints,
            names.entities,
            names.cidrs,
            names.cidr_sets,
            "toPorts",
            "icmps",
        ],
        names.unsupported,
    )?;
    let peers = peers(names, namespace, &fields)?;
    let ports = match (fields.optional("toPorts")?, fields.optional("icmps")?) {
        (Some(_), Some(icmps)) => {
            return Err(
                icmps.invalid("icmps and toPorts cannot stand in one rule: write two rules")
            );
        }
        (Some(place), None) => ports::to_ports(&place)?,
        (None, Some(place)) => Some(icmp::icmps(&place)?),
        (None, None) => None,
    };
    Ok(match (peers, ports) {
        (None, None) => (Peers::Of(Vec::new()), Ports::Any),
        (peers, ports) => (peers.unwrap_or(Peers::Any), ports.unwrap_or(Ports::Any)),
    })
}
