//! Who there is: workloads in namespaces, with their labels and named ports, and strangers outside.

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
pub(super) const NAMESPACES: [(&str, &str, &str); 3] = [
    ("prod", "purpose", "production"),
    ("dev", "purpose", "testing"),
    ("ops", "team", "operations"),
];

/// Outside, with the last part of their addresses, in both families.
pub(super) const STRANGERS: [(&str, u8); 2] = [("outside", 10), ("partner", 20)];
