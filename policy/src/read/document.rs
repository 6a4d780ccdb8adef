//! One document of a policy file: its kind, its name, its specification.

use std::sync::Arc;

use super::error::ReadError;
use super::owner::Owner;
use super::place::Place;
use super::split::Documents;
use super::yaml::documents;
use super::{cilium, network_policy, unsupported};
use crate::rule::{Policy, PolicyKind, PolicyName};

const DEFAULT_NAMESPACE: &str = "default";
const CILIUM_VERSION: &str = "cilium.io/v2";
const KUBERNETES_VERSION: &str = "networking.k8s.io/v1";
const KINDS: [PolicyKind; 3] = [
    PolicyKind::CiliumNetworkPolicy,
    PolicyKind::CiliumClusterwideNetworkPolicy,
    PolicyKind::NetworkPolicy,
];

/// `"true"` makes a policy drop nothing: what it would drop is only marked.
const AUDIT_ANNOTATION: &str = "tycho.io/audit";
const OWN_ANNOTATIONS: &str = "tycho.io/";

/// What an API server writes besides the fields that name an object; it has no say in what the policy means.
const SERVER_FIELDS: [&str; 12] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "ownerReferences",
    "finalizers",
    "generateName",
    "selfLink",
    "labels",
];

/// Reads every policy of a text of one or many YAML documents. Empty documents are skipped; a `List` is read item by item.
///
/// # Errors
/// The first thing that is wrong, with its place. What cannot be enforced is refused, never ignored.
pub fn read_policies(file: &str, text: &str) -> Result<Vec<Policy>, ReadError> {
    read_each(file, text).into_iter().collect()
}

/// The same, policy by policy: each is read, or its first error is told, whatever is wrong with the others. A text that is
/// no YAML is one error.
pub fn read_each(file: &str, text: &str) -> Vec<Result<Policy, ReadError>> {
    let texts = Documents::new(text);
    let nodes = match documents(file, text) {
        Ok(nodes) => nodes,
        Err(error) => return vec![Err(error)],
    };
    nodes
        .iter()
        .flat_map(|node| {
            let document = Place::root(file, node);
            let text = Arc::from(texts.at_line(node.line));
            match list_items(&document) {
                Ok(Some(items)) => items.iter().map(|item| policy(file, &text, item)).collect(),
                Ok(None) => vec![policy(file, &text, &document)],
                Err(error) => vec![Err(error)],
            }
        })
        .collect()
}

/// The items of a `v1` `List`; `None` if it is something else.
fn list_items<'a>(document: &Place<'a>) -> Result<Option<Vec<Place<'a>>>, ReadError> {
    let entries = document.entries()?;
    let says = |key, value| {
        entries
            .iter()
            .any(|(name, place)| *name == key && place.text().is_ok_and(|text| text == value))
    };
    if !(says("kind", "List") && says("apiVersion", "v1")) {
        return Ok(None);
    }
    let fields = document.fields(&["apiVersion", "kind", "metadata", "items"], &[])?;
    Ok(Some(fields.required("items")?.list()?))
}

fn policy(file: &str, text: &Arc<str>, document: &Place<'_>) -> Result<Policy, ReadError> {
    let fields = document.fields(
        &["apiVersion", "kind", "metadata", "spec", "status"],
        unsupported::DOCUMENT,
    )?;
    let kind = kind(&fields.required("kind")?)?;
    let version = fields.required("apiVersion")?;
    let expected = match kind {
        PolicyKind::NetworkPolicy => KUBERNETES_VERSION,
        PolicyKind::CiliumNetworkPolicy | PolicyKind::CiliumClusterwideNetworkPolicy => {
            CILIUM_VERSION
        }
    };
    if version.text()? != expected {
        return Err(version.invalid(format!("expected {expected} for a {kind}")));
    }
    let (name, audited) = metadata(kind, &fields.required("metadata")?)?;
    let owner = Owner {
        name: Arc::new(name),
        audited,
        file,
        line: document.line(),
        text: Arc::clone(text),
    };
    let spec = fields.required("spec")?;
    match kind {
        PolicyKind::NetworkPolicy => network_policy::policy(owner, &spec),
        _ => cilium::policy(owner, &spec),
    }
}

fn kind(place: &Place<'_>) -> Result<PolicyKind, ReadError> {
    let text = place.text()?;
    KINDS
        .into_iter()
        .find(|kind| kind.to_string() == text)
        .ok_or_else(|| {
            let names = KINDS.map(|kind| kind.to_string()).join(", ");
            place.invalid(format!("{text:?} is no kind of policy; there are {names}"))
        })
}

/// The name, and whether the policy only audits.
fn metadata(kind: PolicyKind, metadata: &Place<'_>) -> Result<(PolicyName, bool), ReadError> {
    let known: Vec<&str> = ["name", "namespace", "annotations"]
        .into_iter()
        .chain(SERVER_FIELDS)
        .collect();
    let fields = metadata.fields(&known, &[])?;
    let audited = match fields.optional("annotations")? {
        Some(annotations) => is_audited(&annotations)?,
        None => false,
    };
    let name = object_name(&fields.required("name")?)?;
    let namespace = match (kind, fields.optional("namespace")?) {
        (PolicyKind::CiliumClusterwideNetworkPolicy, Some(place)) => {
            return Err(place.invalid(format!("a {kind} has no namespace")));
        }
        (PolicyKind::CiliumClusterwideNetworkPolicy, None) => String::new(),
        (_, Some(place)) => object_name(&place)?,
        (_, None) => DEFAULT_NAMESPACE.to_owned(),
    };
    let name = PolicyName {
        kind,
        namespace,
        name,
    };
    Ok((name, audited))
}

/// An annotation of ours changes what a policy does, so one that is not understood is refused; others are for others.
fn is_audited(annotations: &Place<'_>) -> Result<bool, ReadError> {
    let mut audited = false;
    for (key, place) in annotations.entries()? {
        if key == AUDIT_ANNOTATION {
            audited = match place.text()? {
                "true" => true,
                "false" => false,
                other => {
                    return Err(
                        place.invalid(format!("expected \"true\" or \"false\", found {other:?}"))
                    );
                }
            };
        } else if key.starts_with(OWN_ANNOTATIONS) {
            let message = format!("there is no such annotation; there is {AUDIT_ANNOTATION}");
            return Err(place.invalid(message));
        }
    }
    Ok(audited)
}

fn object_name(place: &Place<'_>) -> Result<String, ReadError> {
    let text = place.text()?;
    let fits = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "-.".contains(character)
    };
    if text.is_empty() || text.len() > 253 || !text.chars().all(fits) {
        return Err(place.invalid(format!(
            "{text:?} is no object name (up to 253 of a-z, 0-9, - and .)"
        )));
    }
    Ok(text.to_owned())
}
