//! The specification of a Kubernetes NetworkPolicy (`networking.k8s.io/v1`).
//!
//! Semantics as documented by Kubernetes ("Network Policies"):
//! - `policyTypes` says which directions are isolated, whatever the sections hold. Without it ingress is, and egress if there
//!   is an egress rule. A section for a direction that is not isolated has no effect.
//! - An absent or empty `from` (`to`) means everybody, an absent or empty `ports` every port of every protocol.
//! - A `podSelector` alone selects within the policy's namespace, with a `namespaceSelector` within those namespaces; a
//!   `namespaceSelector` alone selects all endpoints there.
//! - A rule only ever allows.

use std::sync::Arc;

use super::error::ReadError;
use super::owner::Owner;
use super::place::{Fields, Place};
use super::{networks, ports, selectors};
use crate::rule::{Action, Direction, Peer, Peers, Policy, Ports, Rule, RuleKey};
use crate::selector::Selector;

pub(super) fn policy(owner: Owner<'_>, spec: &Place<'_>) -> Result<Policy, ReadError> {
    let fields = spec.fields(&["podSelector", "policyTypes", "ingress", "egress"], &[])?;
    let subject = Arc::new(selectors::of_pods(
        &fields.required("podSelector")?,
        &owner.name.namespace,
    )?);
    let ingress = section(&owner, Direction::Ingress, &subject, &fields)?;
    let egress = section(&owner, Direction::Egress, &subject, &fields)?;
    let isolated = policy_types(&fields)?.unwrap_or((true, !egress.is_empty()));
    let mut rules = Vec::new();
    if isolated.0 {
        rules.extend(ingress);
    }
    if isolated.1 {
        rules.extend(egress);
    }
    Ok(owner.policy(subject, isolated, rules))
}

/// Whether ingress and egress are isolated; `None` if the policy does not say.
fn policy_types(spec: &Fields<'_>) -> Result<Option<(bool, bool)>, ReadError> {
    let types = spec.list("policyTypes")?;
    let mut isolated = (false, false);
    for place in &types {
        match place.text()? {
            "Ingress" => isolated.0 = true,
            "Egress" => isolated.1 = true,
            other => {
                let message = format!("{other:?} is no policy type; Ingress and Egress are");
                return Err(place.invalid(message));
            }
        }
    }
    Ok((!types.is_empty()).then_some(isolated))
}

fn section(
    owner: &Owner<'_>,
    direction: Direction,
    subject: &Arc<Selector>,
    spec: &Fields<'_>,
) -> Result<Vec<Rule>, ReadError> {
    let (section, peers_field) = match direction {
        Direction::Ingress => ("ingress", "from"),
        Direction::Egress => ("egress", "to"),
    };
    // A section with nothing behind it is an empty one: it allows nobody.
    let entries = match spec.optional_or_null(section)? {
        Some(place) => place.list()?,
        None => Vec::new(),
    };
    (0u32..)
        .zip(&entries)
        .map(|(index, entry)| {
            let fields = entry.fields(&[peers_field, "ports"], &[])?;
            let key = RuleKey {
                action: Action::Allow,
                policy: Arc::clone(&owner.name),
                direction,
                index,
            };
            Ok(Rule {
                key,
                subject: Arc::clone(subject),
                peers: peers(&fields.list(peers_field)?, &owner.name.namespace)?,
                ports: all_ports(&fields.list("ports")?)?,
                line: entry.line(),
            })
        })
        .collect()
}

fn peers(entries: &[Place<'_>], namespace: &str) -> Result<Peers, ReadError> {
    if entries.is_empty() {
        return Ok(Peers::Any);
    }
    let peers = entries.iter().map(|entry| peer(entry, namespace));
    Ok(Peers::of(peers.collect::<Result<_, _>>()?))
}

fn peer(place: &Place<'_>, namespace: &str) -> Result<Peer, ReadError> {
    let fields = place.fields(&["podSelector", "namespaceSelector", "ipBlock"], &[])?;
    let pods = fields.optional("podSelector")?;
    let namespaces = fields.optional("namespaceSelector")?;
    match (fields.optional("ipBlock")?, pods, namespaces) {
        (Some(block), None, None) => networks::with_exceptions(&block),
        (Some(block), ..) => {
            Err(block.invalid("ipBlock cannot stand beside selectors: write two list items"))
        }
        (None, Some(pods), None) => Ok(Peer::Labels(selectors::of_pods(&pods, namespace)?)),
        (None, pods, Some(namespaces)) => Ok(Peer::Labels(selectors::of_pods_in(
            pods.as_ref(),
            &namespaces,
        )?)),
        (None, None, None) => Err(place.invalid(
            "this item names nobody: give a podSelector, a namespaceSelector or an ipBlock",
        )),
    }
}

fn all_ports(entries: &[Place<'_>]) -> Result<Ports, ReadError> {
    if entries.is_empty() {
        return Ok(Ports::Any);
    }
    let specs = entries.iter().map(ports::of_network_policy);
    Ok(Ports::of(specs.collect::<Result<_, _>>()?))
}
