//! Names of policies, as `[kind/][namespace/]name`.

use proto::tycho::v1::PolicyName;

/// Short words for the kinds, as kubectl has them.
const SHORT: [(&str, &str); 4] = [
    ("cnp", "CiliumNetworkPolicy"),
    ("ccnp", "CiliumClusterwideNetworkPolicy"),
    ("netpol", "NetworkPolicy"),
    ("np", "NetworkPolicy"),
];

/// The name in full: `Kind/namespace/name`, or without what it has not.
pub(crate) fn shown(name: &PolicyName) -> String {
    let parts = [&name.kind, &name.namespace, &name.name];
    let parts: Vec<&str> = parts
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("/")
}

/// Whether this text can mean the policy.
pub(super) fn can_mean(text: &str, name: &PolicyName) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        [last] => last == name.name,
        [first, last] => {
            last == name.name && (first == name.namespace || is_kind(first, &name.kind))
        }
        [kind, namespace, last] => {
            is_kind(kind, &name.kind) && namespace == name.namespace && last == name.name
        }
        _ => false,
    }
}

fn is_kind(word: &str, kind: &str) -> bool {
    word.eq_ignore_ascii_case(kind)
        || SHORT
            .iter()
            .any(|(short, long)| word.eq_ignore_ascii_case(short) && *long == kind)
}

#[cfg(test)]
mod tests {
    use proto::tycho::v1::PolicyName;

    use super::{can_mean, shown};

    #[test]
    fn texts_and_what_they_mean() {
        let name = |kind: &str, namespace: &str| PolicyName {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: "db".to_owned(),
        };
        let policies = [
            name("CiliumNetworkPolicy", "shop"),
            name("NetworkPolicy", "shop"),
            name("CiliumNetworkPolicy", "test"),
            name("CiliumClusterwideNetworkPolicy", ""),
        ];
        for (text, expected) in [
            ("db", &[0, 1, 2, 3][..]),
            ("shop/db", &[0, 1]),
            ("cnp/db", &[0, 2]),
            ("ccnp/db", &[3]),
            ("ciliumnetworkpolicy/shop/db", &[0]),
            ("np/shop/db", &[1]),
            ("netpol/shop/db", &[1]),
            ("d", &[]),
            ("other/db", &[]),
            ("np/test/db", &[]),
            ("cnp/shop/db/x", &[]),
            ("", &[]),
        ] {
            let meant: Vec<usize> = (0..policies.len())
                .filter(|index| can_mean(text, &policies[*index]))
                .collect();
            assert_eq!(meant, expected, "{text}");
        }
        for policy in &policies {
            let full = shown(policy);
            let meant = policies.iter().filter(|other| can_mean(&full, other));
            assert_eq!(meant.count(), 1, "{full}");
        }
    }
}
