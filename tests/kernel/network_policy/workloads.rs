//! Who there is: workloads in namespaces, with their labels and named ports, and strangers outside.

use policy::{Label, LabelSet, NAMESPACE_LABEL, NAMESPACE_LABELS_PREFIX, SOURCE_KUBERNETES};

/// `namespace/name`, labels, named ports.
pub(super) type Workload = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, u16)],
);

pub(super) const WORKLOADS: [Workload; 10] = [
    ("default/web", &[("app", "web")], &[("http", 80)]),
    (
        "default/api",
        &[("app", "bookstore"), ("role", "api")],
        &[("http", 8080)],
    ),
    ("default/db", &[("app", "bookstore"), ("role", "db")], &[]),
    ("default/client", &[("run", "client")], &[]),
    ("prod/web", &[("app", "web")], &[("http", 81)]),
    ("prod/client", &[("run", "client")], &[]),
    ("dev/client", &[("run", "client")], &[]),
    ("ops/monitor", &[("type", "monitoring")], &[]),
    ("ops/client", &[("run", "client")], &[]),
    ("kube-system/dns", &[("k8s-app", "kube-dns")], &[]),
];

/// Labels of namespaces, besides their names.
const NAMESPACES: [(&str, &str, &str); 3] = [
    ("prod", "purpose", "production"),
    ("dev", "purpose", "testing"),
    ("ops", "team", "operations"),
];

/// Outside, with the last part of their addresses, in both families.
pub(super) const STRANGERS: [(&str, u8); 2] = [("outside", 10), ("partner", 20)];

/// The labels of a workload, as an endpoint has them.
pub(super) fn labels((name, own, _): &Workload) -> LabelSet {
    let (namespace, _) = name.split_once('/').expect("a namespace");
    let label = |key: &str, value: &str| Label::new(SOURCE_KUBERNETES, key, value);
    let of_namespace =
        |key: &str, value: &str| label(&format!("{NAMESPACE_LABELS_PREFIX}{key}"), value);
    let own = own.iter().map(|(key, value)| label(key, value));
    let given = NAMESPACES.iter().filter(|(name, ..)| *name == namespace);
    own.chain(given.map(|(_, key, value)| of_namespace(key, value)))
        .chain([
            label(NAMESPACE_LABEL, namespace),
            of_namespace("kubernetes.io/metadata.name", namespace),
        ])
        .collect()
}
