//! One document of a policy file: its kind, its name, its specification.

use std::sync::Arc;

use super::cilium::{self, Owner};
use super::error::ReadError;
use super::place::Place;
use super::split::Documents;
use super::yaml::documents;
use crate::rule::{Policy, PolicyKind, PolicyName};

const DEFAULT_NAMESPACE: &str = "default";
const CILIUM_VERSION: &str = "cilium.io/v2";

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

/// Reads every policy of a text of one or many YAML documents. Empty documents are skipped.
///
/// # Errors
/// The first thing that is wrong, with its place. What cannot be enforced is refused, never ignored.
pub fn read_policies(file: &str, text: &str) -> Result<Vec<Policy>, ReadError> {
    let texts = Documents::new(text);
    documents(file, text)?
        .iter()
        .map(|node| policy(file, texts.at_line(node.line), &Place::root(file, node)))
        .collect()
}

fn policy(file: &str, text: &str, document: &Place<'_>) -> Result<Policy, ReadError> {
    let fields = document.fields(
        &["apiVersion", "kind", "metadata", "spec", "status"],
        &["specs"],
    )?;
    let kind = kind(&fields.required("kind")?)?;
    let version = fields.required("apiVersion")?;
    if version.text()? != CILIUM_VERSION {
        return Err(version.invalid(format!("expected {CILIUM_VERSION} for a {kind}")));
    }
    let (name, audited) = metadata(kind, &fields.required("metadata")?)?;
    let owner = Owner {
        name: Arc::new(name),
        audited,
        text,
        file,
        line: document.line(),
    };
    cilium::policy(owner, &fields.required("spec")?)
}

fn kind(place: &Place<'_>) -> Result<PolicyKind, ReadError> {
    let supported = [
        PolicyKind::CiliumNetworkPolicy,
        PolicyKind::CiliumClusterwideNetworkPolicy,
    ];
    let text = place.text()?;
    supported
        .into_iter()
        .find(|kind| kind.to_string() == text)
        .ok_or_else(|| {
            let names = supported.map(|kind| kind.to_string()).join(" and ");
            place.invalid(format!("{text:?} is not supported; {names} are"))
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
