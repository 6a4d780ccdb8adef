//! The labels of an endpoint: its own, its namespace's name, and its namespace's labels.

use std::collections::BTreeMap;

use policy::{
    Label, LabelSet, NAMESPACE_LABEL, NAMESPACE_LABELS_PREFIX, SOURCE_KUBERNETES,
    SOURCE_UNSPECIFIED,
};

use super::EndpointSpec;

/// The label that Kubernetes gives every namespace: its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The labels of `endpoint`: their source is `k8s` with a namespace, else `unspec`. `namespaces` says the labels of
/// namespaces, to which each namespace's name belongs as in Kubernetes.
#[must_use]
pub fn labels(
    endpoint: &EndpointSpec,
    namespaces: &BTreeMap<String, BTreeMap<String, String>>,
) -> LabelSet {
    let source = match endpoint.namespace {
        Some(_) => SOURCE_KUBERNETES,
        None => SOURCE_UNSPECIFIED,
    };
    let own = endpoint
        .labels
        .iter()
        .map(|(key, value)| Label::new(source, key, value));
    let namespace = endpoint.namespace.iter().flat_map(|namespace| {
        let name = Label::new(SOURCE_KUBERNETES, NAMESPACE_LABEL, namespace);
        let labels = namespaces.get(namespace).into_iter().flatten();
        // Of two values the last counts, so the file may set the name's label itself.
        let all = std::iter::once((NAMESPACE_NAME, namespace.as_str()))
            .chain(labels.map(|(key, value)| (key.as_str(), value.as_str())));
        std::iter::once(name).chain(all.map(|(key, value)| {
            Label::new(
                SOURCE_KUBERNETES,
                format!("{NAMESPACE_LABELS_PREFIX}{key}"),
                value,
            )
        }))
    });
    own.chain(namespace).collect()
}
