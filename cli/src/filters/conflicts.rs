//! Which filter flags exclude each other.

use super::pair::FilterPair;

/// Of each group at most one flag may be used on one side of `--not`. Order decides which two flags
/// a message names.
const GROUPS: &[&[&str]] = &[
    &[
        "from-fqdn",
        "from-ip",
        "ip",
        "fqdn",
        "from-namespace",
        "namespace",
        "from-all-namespaces",
        "all-namespaces",
    ],
    &["from-fqdn", "from-ip", "ip", "fqdn", "from-pod", "pod"],
    &[
        "to-fqdn",
        "to-ip",
        "ip",
        "fqdn",
        "to-namespace",
        "namespace",
        "to-all-namespaces",
        "all-namespaces",
    ],
    &["to-fqdn", "to-ip", "ip", "fqdn", "to-pod", "pod"],
    &["to-pod", "namespace", "all-namespaces"],
    &["from-pod", "namespace", "all-namespaces"],
    &["to-service", "namespace", "all-namespaces"],
    &["from-service", "namespace", "all-namespaces"],
    &["label", "from-label"],
    &["label", "to-label"],
    &["service", "from-service"],
    &["service", "to-service"],
    &["port", "to-port"],
    &["port", "from-port"],
    &["identity", "to-identity"],
    &["identity", "from-identity"],
    &["workload", "to-workload"],
    &["workload", "from-workload"],
    &["cluster", "to-cluster"],
    &["cluster", "from-cluster"],
    &["encrypted", "unencrypted"],
];

/// Says which two of the flags used cannot stand together.
pub(super) fn check(pair: &FilterPair) -> Result<(), String> {
    for group in GROUPS {
        let mut used = group.iter().filter(|flag| pair.has(flag));
        if let (Some(first), Some(second)) = (used.next(), used.next()) {
            return Err(format!(
                "filters --{first} and --{second} cannot be combined"
            ));
        }
    }
    Ok(())
}
