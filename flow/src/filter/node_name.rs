//! `node_name`: `node` or `cluster/node` with `*`; one answer for all flows of a node.

use super::FilterError;

/// Whether the flows of this node match any of the patterns.
pub(super) fn matches(
    field: &'static str,
    patterns: &[String],
    node_name: &str,
) -> Result<bool, FilterError> {
    let (cluster, node) = node_name.split_once('/').unwrap_or(("default", node_name));
    let mut any = false;
    for pattern in patterns {
        let refuse = |reason| FilterError::value(field, pattern, reason);
        if pattern.is_empty() {
            return Err(refuse("it is empty"));
        }
        let (cluster_pattern, node_pattern) = pattern.split_once('/').unwrap_or(("", pattern));
        if node_pattern.contains('/') {
            return Err(refuse("it has too many slashes"));
        }
        let cluster_pattern = Pattern::parse(cluster_pattern).map_err(refuse)?;
        let node_pattern = Pattern::parse(node_pattern).map_err(refuse)?;
        any |= cluster_pattern.matches(cluster) && node_pattern.matches(node);
    }
    Ok(any)
}

/// A domain name in which `*` is any run of `[-.0-9a-z]`; the empty one is any name.
struct Pattern(String);

impl Pattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let lower = text.trim().to_ascii_lowercase();
        let name = lower.strip_suffix('.').unwrap_or(&lower);
        let valid = |byte: u8| is_name_byte(byte) || matches!(byte, b'*' | b'_');
        if !name.bytes().all(valid) {
            return Err(
                "only letters, digits, dashes, dots, underscores and * can be in a node name",
            );
        }
        Ok(Self(if name.is_empty() {
            "*".into()
        } else {
            name.into()
        }))
    }

    fn matches(&self, name: &str) -> bool {
        wildcard(self.0.as_bytes(), name.as_bytes())
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
}

/// On a mismatch the last `*` takes one byte more, so the work is bounded by the product of the lengths.
fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            p += 1;
            n += 1;
        } else {
            match star {
                Some((star_p, star_n)) if is_name_byte(name[star_n]) => {
                    star = Some((star_p, star_n + 1));
                    (p, n) = (star_p + 1, star_n + 1);
                }
                _ => return false,
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_part_may_be_a_pattern_or_missing() {
        let check = |pattern: &str, node: &str, expect| {
            assert_eq!(
                matches("node_name", &[pattern.to_owned()], node).unwrap(),
                expect,
                "{pattern} {node}"
            );
        };
        check("node-a", "default/node-a", true);
        check("node-a", "node-a", true);
        check("node-a", "default/node-ab", false);
        check("default/node-a", "node-a", true);
        check("prod/", "prod/node-a", true);
        check("prod/", "default/node-a", false);
        check("/node-a", "prod/node-a", true);
        check("node-*", "default/node-a", true);
        check("*.example.com", "default/a.b.example.com", true);
        check("*-a", "default/node-b", false);
        check("n*e*a", "default/node-node-a", true);
        check("node*", "default/node_a", false);
        check("NODE-A.", "default/node-a", true);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "a/b/c", "node a", "node?"] {
            assert!(
                matches("node_name", &[pattern.to_owned()], "default/node-a").is_err(),
                "{pattern}"
            );
        }
    }
}
