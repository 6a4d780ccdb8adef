//! Interface names and MAC addresses that follow from a namespace's name, so that a second run
//! makes the same ones.

/// The kernel's limit: 16 bytes with the closing zero.
const LONGEST_INTERFACE: usize = 15;

/// The node's end of an endpoint's veth pair when its spec names none: `veth` and eight digits.
pub fn default_host_interface(namespace: &str) -> String {
    let bits = fnv1a(namespace) & 0xffff_ffff;
    format!("veth{bits:08x}")
}

/// A locally administered unicast MAC address for an interface of a namespace.
pub fn default_mac_address(namespace: &str, interface: &str) -> [u8; 6] {
    let [_, _, _, a, b, c, d, e] = fnv1a(&format!("{namespace}/{interface}")).to_be_bytes();
    [0x02, a, b, c, d, e]
}

pub(super) fn format_mac_address(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}

/// What the kernel takes as an interface's name and a batch line cannot mistake for something else.
pub(super) fn is_valid_interface(name: &str) -> bool {
    (1..=LONGEST_INTERFACE).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}

/// FNV-1a with 64 bits: stable across runs and versions, which the standard hasher is not.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        default_host_interface, default_mac_address, fnv1a, format_mac_address, is_valid_interface,
    };

    #[test]
    fn the_hash_is_the_published_one() {
        // Test vectors of the FNV authors.
        let cases = [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ];
        for (text, expected) in cases {
            assert_eq!(fnv1a(text), expected, "{text}");
        }
    }

    #[test]
    fn derived_names_are_valid_stable_and_distinct() {
        let namespaces: Vec<String> = (0..1_000)
            .map(|index| format!("tycho-demo-frontend-{index}"))
            .collect();
        let interfaces: BTreeSet<String> = namespaces
            .iter()
            .map(|name| default_host_interface(name))
            .collect();
        assert_eq!(interfaces.len(), namespaces.len());
        assert!(interfaces.iter().all(|name| is_valid_interface(name)));
        let addresses: BTreeSet<[u8; 6]> = namespaces
            .iter()
            .map(|name| default_mac_address(name, "eth0"))
            .collect();
        assert_eq!(addresses.len(), namespaces.len());
        // Neither multicast nor burnt in.
        assert!(addresses.iter().all(|address| address[0] & 0b11 == 0b10));
        assert_eq!(
            default_host_interface("tycho-demo-frontend-1"),
            default_host_interface("tycho-demo-frontend-1")
        );
    }

    #[test]
    fn mac_addresses_are_written_in_full() {
        assert_eq!(
            format_mac_address([0x02, 0, 0x0a, 0xff, 1, 0x10]),
            "02:00:0a:ff:01:10"
        );
    }

    #[test]
    fn interface_names() {
        let cases = [
            ("eth0", true),
            ("fifteen-letters", true),
            ("sixteen-letters-", false),
            ("", false),
            ("-a", false),
            ("a/b", false),
            ("a b", false),
            (".", false),
            ("a%d", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_valid_interface(name), expected, "{name:?}");
        }
    }
}
