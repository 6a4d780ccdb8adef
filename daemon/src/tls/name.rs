//! The name that the certificate of a node has, by which its clients know that they speak to that node.

/// What the names of all nodes end with.
pub const SERVER_NAME_SUFFIX: &str = "tycho";

/// The server name of a node: `<node>.<cluster>.tycho`, lower case. Dots of the node's and the cluster's names become
/// dashes, as in Hubble, so that `*.<cluster>.tycho` stands for all nodes of a cluster.
#[must_use]
pub fn server_name(node: &str, cluster: &str) -> String {
    let part = |name: &str| name.to_ascii_lowercase().replace('.', "-");
    format!("{}.{}.{SERVER_NAME_SUFFIX}", part(node), part(cluster))
}

#[cfg(test)]
mod tests {
    use super::server_name;

    #[test]
    fn names() {
        for (node, cluster, expect) in [
            ("b", "default", "b.default.tycho"),
            ("Node.Example.ORG", "eu.1", "node-example-org.eu-1.tycho"),
        ] {
            assert_eq!(server_name(node, cluster), expect);
        }
    }
}
