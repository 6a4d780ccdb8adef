//! `matchLabels` and `matchExpressions`, and the namespace that a namespaced policy implies.

use super::error::ReadError;
use super::place::Place;
use crate::label::{SOURCE_CIDR, SOURCE_KUBERNETES, SOURCE_RESERVED};
use crate::rule::Peer;
use crate::selector::{Operator, Requirement, Selector, SelectorReason};

/// Key of the label that carries an endpoint's namespace (source `k8s`).
pub const NAMESPACE_LABEL: &str = "io.kubernetes.pod.namespace";
/// Prefix of the keys of labels that repeat the labels of an endpoint's namespace (source `k8s`).
pub const NAMESPACE_LABELS_PREFIX: &str = "io.cilium.k8s.namespace.labels.";

/// Reads a selector of labels with sources. `{}` matches everything.
fn selector(place: &Place<'_>) -> Result<Selector, ReadError> {
    requirements(place, &|key| Ok(key.to_owned())).map(Selector::new)
}

/// What becomes of a key as it is written, or why it cannot stand there.
type Rewrite<'r> = &'r dyn Fn(&str) -> Result<String, &'static str>;

fn requirements(place: &Place<'_>, rewrite: Rewrite<'_>) -> Result<Vec<Requirement>, ReadError> {
    let fields = place.fields(&["matchLabels", "matchExpressions"], &[])?;
    let mut requirements = Vec::new();
    // Published policies write `matchLabels:` and nothing behind it where they mean everybody.
    if let Some(labels) = fields.optional_or_null("matchLabels")? {
        for (key, value) in labels.entries()? {
            let operator = Operator::In(vec![value.text()?.to_owned()]);
            requirements.push(requirement(&value, key, operator, rewrite)?);
        }
    }
    if let Some(expressions) = fields.optional_or_null("matchExpressions")? {
        for expression in expressions.list()? {
            requirements.push(match_expression(&expression, rewrite)?);
        }
    }
    Ok(requirements)
}

fn match_expression(place: &Place<'_>, rewrite: Rewrite<'_>) -> Result<Requirement, ReadError> {
    let fields = place.fields(&["key", "operator", "values"], &[])?;
    let key = fields.required("key")?;
    let values = fields
        .list("values")?
        .iter()
        .map(|value| Ok(value.text()?.to_owned()))
        .collect::<Result<Vec<_>, ReadError>>()?;
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
    requirement(&key, key.text()?, operator, rewrite)
}

fn requirement(
    place: &Place<'_>,
    key: &str,
    operator: Operator,
    rewrite: Rewrite<'_>,
) -> Result<Requirement, ReadError> {
    let key = rewrite(key).map_err(|reason| place.invalid(reason))?;
    let requirement = Requirement::new(&key, operator).map_err(|reason| place.invalid(reason))?;
    if requirement.source() == Some(SOURCE_CIDR) {
        return Err(place.invalid(
            "which networks have labels depends on the other policies: name networks with fromCIDR or toCIDR",
        ));
    }
    Ok(requirement)
}

/// Pods of one namespace, as a NetworkPolicy selects them: by labels of Kubernetes, whose keys have no source.
pub(super) fn of_pods(place: &Place<'_>, namespace: &str) -> Result<Selector, ReadError> {
    let selector = Selector::new(requirements(place, &|key| of_kubernetes("", key))?);
    in_namespace(place, selector, namespace)
}

/// The same of the namespaces that have certain labels; of all namespaces if the selector is `{}`.
pub(super) fn of_pods_in(
    pods: Option<&Place<'_>>,
    namespaces: &Place<'_>,
) -> Result<Selector, ReadError> {
    let mut all = requirements(namespaces, &|key| {
        of_kubernetes(NAMESPACE_LABELS_PREFIX, key)
    })?;
    if let Some(pods) = pods {
        all.extend(requirements(pods, &|key| of_kubernetes("", key))?);
    }
    // What has no namespace at all is no pod.
    let has_namespace = Requirement::new(
        &format!("{SOURCE_KUBERNETES}:{NAMESPACE_LABEL}"),
        Operator::Exists,
    );
    all.push(has_namespace.map_err(|reason: SelectorReason| namespaces.invalid(reason))?);
    Ok(Selector::new(all))
}

fn of_kubernetes(prefix: &str, key: &str) -> Result<String, &'static str> {
    if key.is_empty() {
        Err("the key is empty")
    } else if key.contains(':') {
        Err("a label of Kubernetes has no colon in its key")
    } else {
        Ok(format!("{SOURCE_KUBERNETES}:{prefix}{key}"))
    }
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
        &format!("{SOURCE_KUBERNETES}:{NAMESPACE_LABEL}"),
        Operator::In(vec![namespace.to_owned()]),
    );
    Ok(selector.and(scope.map_err(|reason: SelectorReason| place.invalid(reason))?))
}
