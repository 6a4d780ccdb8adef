//! The specification of a CiliumNetworkPolicy and of its cluster-wide sister (`cilium.io/v2`).
//!
//! Semantics as documented by Cilium ("Policy Enforcement Modes" and "Layer 3 Examples"):
//! - A section (`ingress`, `ingressDeny`, …) puts the selected endpoints into default deny for its direction, and so does an
//!   empty one; `enableDefaultDeny` overrides that.
//! - An empty rule `- {}` enforces and matches nothing (the example `egress-default-deny`); in a deny section likewise.
//! - A rule with ports and without peers matches any peer; peers without ports match any protocol, ICMP included.
//! - `fromEndpoints: []` names nobody; `fromEndpoints: [{}]` every endpoint of the policy's namespace.
//! - Peers of two sorts in one rule are refused, as are `icmps` beside `toPorts`.

use std::sync::Arc;

use super::error::ReadError;
use super::place::{Fields, Place};
use super::{ports, selectors};
use crate::identity::Entity;
use crate::rule::{Action, Direction, Peer, Peers, Policy, PolicyName, Ports, Rule, RuleKey};
use crate::selector::Selector;

/// Whose specification it is.
pub(super) struct Owner<'a> {
    pub(super) name: Arc<PolicyName>,
    pub(super) audited: bool,
    pub(super) text: &'a str,
    pub(super) file: &'a str,
    pub(super) line: u32,
}

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

/// The names of a direction's fields.
struct Names {
    endpoints: &'static str,
    entities: &'static str,
    unsupported: &'static [&'static str],
}

const INGRESS: Names = Names {
    endpoints: "fromEndpoints",
    entities: "fromEntities",
    unsupported: &[
        "fromCIDR",
        "fromCIDRSet",
        "fromRequires",
        "fromNodes",
        "fromGroups",
        "authentication",
    ],
};

const EGRESS: Names = Names {
    endpoints: "toEndpoints",
    entities: "toEntities",
    unsupported: &[
        "toCIDR",
        "toCIDRSet",
        "toRequires",
        "toFQDNs",
        "toServices",
        "toNodes",
        "toGroups",
        "authentication",
    ],
};

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
    let fields = spec.fields(&known, &["nodeSelector", "log"])?;
    let namespace = &owner.name.namespace;
    let subject = Arc::new(selectors::subject(
        &fields.required("endpointSelector")?,
        namespace,
    )?);
    let mut rules = Vec::new();
    let mut default_deny = (false, false);
    for section in &SECTIONS {
        if let Some(place) = fields.optional(section.field)? {
            rules.extend(section_rules(&owner, section, &subject, &place)?);
            match section.direction {
                Direction::Ingress => default_deny.0 = true,
                Direction::Egress => default_deny.1 = true,
            }
        }
    }
    let chosen = enable_default_deny(&fields)?;
    if default_deny == (false, false) && chosen == (None, None) {
        let names = SECTIONS.map(|section| section.field).join(", ");
        return Err(spec.invalid(format!(
            "none of {names} is there: the policy would do nothing"
        )));
    }
    Ok(Policy {
        name: owner.name,
        subject,
        default_deny_ingress: chosen.0.unwrap_or(default_deny.0),
        default_deny_egress: chosen.1.unwrap_or(default_deny.1),
        audited: owner.audited,
        rules,
        file: owner.file.to_owned(),
        line: owner.line,
        text: owner.text.into(),
    })
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
    let names = match section.direction {
        Direction::Ingress => &INGRESS,
        Direction::Egress => &EGRESS,
    };
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
        &[names.endpoints, names.entities, "toPorts", "icmps"],
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
        (None, Some(place)) => Some(ports::icmps(&place)?),
        (None, None) => None,
    };
    Ok(match (peers, ports) {
        (None, None) => (Peers::Of(Vec::new()), Ports::Any),
        (peers, ports) => (peers.unwrap_or(Peers::Any), ports.unwrap_or(Ports::Any)),
    })
}

fn peers(names: &Names, namespace: &str, fields: &Fields<'_>) -> Result<Option<Peers>, ReadError> {
    let endpoints = fields.optional(names.endpoints)?;
    let entities = fields.optional(names.entities)?;
    match (endpoints, entities) {
        (Some(_), Some(entities)) => {
            let message = format!(
                "{} and {} cannot stand in one rule: write two rules",
                names.endpoints, names.entities
            );
            Err(entities.invalid(message))
        }
        (Some(endpoints), None) => {
            let peers = endpoints
                .list()?
                .iter()
                .map(|place| selectors::peer(place, namespace))
                .collect::<Result<_, _>>()?;
            Ok(Some(Peers::of(peers)))
        }
        (None, Some(entities)) => {
            let peers = entities
                .list()?
                .iter()
                .map(entity)
                .collect::<Result<_, _>>()?;
            Ok(Some(Peers::of(peers)))
        }
        (None, None) => Ok(None),
    }
}

fn entity(place: &Place<'_>) -> Result<Peer, ReadError> {
    let entity: Entity = place
        .text()?
        .parse()
        .map_err(|error| place.invalid(error))?;
    Ok(Peer::Entity(entity))
}
