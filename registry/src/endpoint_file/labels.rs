//! The labels of an endpoint: its own, its namespace's name, and its namespace's labels.

use policy::{
    Label, LabelSet, NAMESPACE_LABEL, NAMESPACE_LABELS_PREFIX, SOURCE_KUBERNETES,
    SOURCE_UNSPECIFIED,
};

use super::{EndpointFile, EndpointSpec};

/// The labels of `endpoint`: their source is `k8s` with a namespace, else `unspec`.
#[must_use]
pub fn labels(endpoint: &EndpointSpec, file: &EndpointFile) -> LabelSet {
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
        let labels = file.namespaces.get(namespace).into_iter().flatten();
        std::iter::once(name).chain(labels.map(|(key, value)| {
            Label::new(
                SOURCE_KUBERNETES,
                format!("{NAMESPACE_LABELS_PREFIX}{key}"),
                value,
            )
        }))
    });
    own.chain(namespace).collect()
}
