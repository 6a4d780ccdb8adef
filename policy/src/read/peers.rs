//! The peers of a Cilium rule: `fromEndpoints`, `fromEntities`, `fromCIDR`, `fromCIDRSet` and their `to` sisters.

use super::error::ReadError;
use super::place::{Fields, Place};
use super::unsupported::{self, Unsupported};
use super::{networks, selectors};
use crate::identity::Entity;
use crate::rule::{Direction, Peer, Peers};

/// The names of a direction's fields.
pub(super) struct Names {
    pub(super) endpoints: &'static str,
    pub(super) entities: &'static str,
    pub(super) cidrs: &'static str,
    pub(super) cidr_sets: &'static str,
    pub(super) unsupported: &'static [Unsupported],
}

const INGRESS: Names = Names {
    endpoints: "fromEndpoints",
    entities: "fromEntities",
    cidrs: "fromCIDR",
    cidr_sets: "fromCIDRSet",
    unsupported: unsupported::INGRESS_RULE,
};

const EGRESS: Names = Names {
    endpoints: "toEndpoints",
    entities: "toEntities",
    cidrs: "toCIDR",
    cidr_sets: "toCIDRSet",
    unsupported: unsupported::EGRESS_RULE,
};

impl Names {
    pub(super) fn of(direction: Direction) -> &'static Self {
        match direction {
            Direction::Ingress => &INGRESS,
            Direction::Egress => &EGRESS,
        }
    }
}

/// The peers of a rule; `None` if it names none. Peers of two sorts are refused, as by Cilium.
pub(super) fn peers(
    names: &Names,
    namespace: &str,
    rule: &Fields<'_>,
) -> Result<Option<Peers>, ReadError> {
    let sorts = [
        names.endpoints,
        names.entities,
        names.cidrs,
        names.cidr_sets,
    ];
    let mut found: Option<(&str, Peers)> = None;
    for sort in sorts {
        let Some(place) = rule.optional(sort)? else {
            continue;
        };
        if let Some((other, _)) = found {
            let message = format!("{other} and {sort} cannot stand in one rule: write two rules");
            return Err(place.invalid(message));
        }
        let peers = place
            .list()?
            .iter()
            .map(|entry| match sort {
                _ if sort == names.endpoints => selectors::peer(entry, namespace),
                _ if sort == names.entities => entity(entry),
                _ if sort == names.cidrs => networks::bare(entry),
                _ => networks::with_exceptions(entry),
            })
            .collect::<Result<_, _>>()?;
        found = Some((sort, Peers::of(peers)));
    }
    Ok(found.map(|(_, peers)| peers))
}

fn entity(place: &Place<'_>) -> Result<Peer, ReadError> {
    let entity: Entity = place
        .text()?
        .parse()
        .map_err(|error| place.invalid(error))?;
    Ok(Peer::Entity(entity))
}
