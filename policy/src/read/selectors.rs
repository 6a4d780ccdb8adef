//! `matchLabels` and `matchExpressions`, and the namespace that a namespaced policy implies.

use super::error::ReadError;
use super::place::Place;
use crate::label::SOURCE_RESERVED;
use crate::rule::Peer;
use crate::selector::{Operator, Requirement, Selector, SelectorReason};

/// Key of the label that carries an endpoint's namespace (source `k8s`).
pub const NAMESPACE_LABEL: &str = "io.kubernetes.pod.namespace";
/// Prefix of the keys of labels that repeat the labels of an endpoint's namespace (source `k8s`).
pub const NAMESPACE_LABELS_PREFIX: &str = "io.cilium.k8s.namespace.labels.";

/// Reads a selector. `{}` matches everything.
pub(super) fn selector(place: &Place<'_>) -> Result<Selector, ReadError> {
    let fields = place.fields(&["matchLabels", "matchExpressions"], &[])?;
    let mut requirements = Vec::new();
    if let Some(labels) = fields.optional("matchLabels")? {
        for (key, value) in labels.entries()? {
            let operator = Operator::In(vec![value.text()?.to_owned()]);
            requirements.push(requirement(&value, key, operator)?);
        }
    }
    if let Some(expressions) = fields.optional("matchExpressions")? {
        for expression in expressions.list()? {
            requirements.push(match_expression(&expression)?);
        }
    }
    Ok(Selector::new(requirements))
}

fn match_expression(place: &Place<'_>) -> Result<Requirement, ReadError> {
    let fields = place.fields(&["key", "operator", "values"], &[])?;
    let key = fields.required("key")?;
    let values = match fields.optional("values")? {
        Some(values) => values
            .list()?
            .iter()
            .map(|value| Ok(value.text()?.to_owned()))
            .collect::<Result<Vec<_>, ReadError>>()?,
        None => Vec::new(),
    };
    let operator = fields.required("operator")?;
    let operator = match (operator.text()?, values.is_empty()) {
        ("In", false) => Operator::In(values),
        ("NotIn", false) => Operator::NotIn(values),
        ("Exists", true) => Operator::Exists,
        ("DoesNotExist", true) => Operator::DoesNotExist,
        (name @ ("In" | "NotIn"), true) => {
            return Err(operator.invalid(format!("{name} needs values")));
        }
        (name @ ("Exists" | "DoesNotExist"), false) => {
            return Err(operator.invalid(format!("{name} takes no values")));
        }
        (other, _) => {
            return Err(operator.invalid(format!(
                "there is no operator {other:?}; there are In, NotIn, Exists, DoesNotExist"
            )));
        }
    };
    requirement(&key, key.text()?, operator)
}

fn requirement(place: &Place<'_>, key: &str, operator: Operator) -> Result<Requirement, ReadError> {
    Requirement::new(key, operator).map_err(|reason| place.invalid(reason))
}

/// The subject of a namespaced policy: always within its own namespace.
pub(super) fn subject(place: &Place<'_>, namespace: &str) -> Result<Selector, ReadError> {
    let selector = selector(place)?;
    if namespace.is_empty() {
        Ok(selector)
    } else {
        in_namespace(place, selector, namespace)
    }
}

/// A peer of a policy.
///
/// In a namespaced policy a selector means endpoints of that namespace, unless it names a namespace, labels of
/// namespaces, or a reserved label (Cilium's Kubernetes policy page, "Namespaces"). In a cluster-wide policy `{}` means every
/// endpoint, but not hosts or the world.
pub(super) fn peer(place: &Place<'_>, namespace: &str) -> Result<Peer, ReadError> {
    let selector = selector(place)?;
    if namespace.is_empty() {
        return Ok(if selector.is_everything() {
            Peer::AnyEndpoint
        } else {
            Peer::Labels(selector)
        });
    }
    let names_its_scope = selector.requirements().iter().any(|requirement| {
        let key = requirement.key();
        key == NAMESPACE_LABEL
            || key.starts_with(NAMESPACE_LABELS_PREFIX)
            || requirement.source() == Some(SOURCE_RESERVED)
    });
    Ok(Peer::Labels(if names_its_scope {
        selector
    } else {
        in_namespace(place, selector, namespace)?
    }))
}

fn in_namespace(
    place: &Place<'_>,
    selector: Selector,
    namespace: &str,
) -> Result<Selector, ReadError> {
    let scope = Requirement::new(
        &format!("k8s:{NAMESPACE_LABEL}"),
        Operator::In(vec![namespace.to_owned()]),
    );
    Ok(selector.and(scope.map_err(|reason: SelectorReason| place.invalid(reason))?))
}
