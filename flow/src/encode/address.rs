//! Addresses as text, as Go prints them: `10.0.0.1`, `fd00::1`, `0a:00:00:00:00:01`.

use super::head::Head;
use crate::hex::hex_digits;

/// Appends a MAC address.
pub(super) fn put_mac(out: &mut Head, mac: [u8; 6]) {
    let [a, b, c, d, e, f] = mac;
    let [a1, a2, b1, b2, c1, c2, d1, d2, e1, e2, f1, f2, ..] =
        hex_digits(u64::from_be_bytes([a, b, c, d, e, f, 0, 0]));
    let dot = b':';
    out.put([
        a1, a2, dot, b1, b2, dot, c1, c2, dot, d1, d2, dot, e1, e2, dot, f1, f2,
    ]);
}

/// Appends an address in 16 bytes: as IPv6, or (IPv4 mapped) as IPv4.
pub(super) fn put_ip(out: &mut Head, address: [u8; 16], is_ipv6: bool) {
    if is_ipv6 {
        put_ipv6(out, address);
    } else {
        let [.., a, b, c, d] = address;
        put_ipv4(out, [a, b, c, d]);
    }
}

/// Each octet with a dot behind it, and its length.
static OCTETS: [([u8; 4], usize); 256] = octets();

const fn octets() -> [([u8; 4], usize); 256] {
    let mut texts = [([b'.'; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let (hundreds, tens, ones) = (
            (octet / 100) as u8,
            (octet / 10 % 10) as u8,
            (octet % 10) as u8,
        );
        texts[octet] = if octet >= 100 {
            ([b'0' + hundreds, b'0' + tens, b'0' + ones, b'.'], 4)
        } else if octet >= 10 {
            ([b'0' + tens, b'0' + ones, b'.', 0], 3)
        } else {
            ([b'0' + ones, b'.', 0, 0], 2)
        };
        octet += 1;
    }
    texts
}

fn put_ipv4(out: &mut Head, [a, b, c, d]: [u8; 4]) {
    for octet in [a, b, c] {
        let (text, length) = OCTETS[usize::from(octet)];
        out.put_prefix(text, length);
    }
    let (text, length) = OCTETS[usize::from(d)];
    out.put_prefix(text, length - 1);
}

/// RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups as `::`.
fn put_ipv6(out: &mut Head, address: [u8; 16]) {
    let groups: [u16; 8] = std::array::from_fn(|index| {
        u16::from_be_bytes([address[index * 2], address[index * 2 + 1]])
    });
    if let [0, 0, 0, 0, 0, 0xffff, _, _] = groups {
        out.put(*b"::ffff:");
        let [.., a, b, c, d] = address;
        put_ipv4(out, [a, b, c, d]);
        return;
    }
    let (gap, gap_end) = longest_gap(groups);
    let mut index = 0;
    while index < 8 {
        if index == gap {
            out.put(*b"::");
            index = gap_end;
            continue;
        }
        if index != 0 && index != gap_end {
            out.put(*b":");
        }
        put_group(out, groups[index]);
        index += 1;
    }
}

/// Start and end of the gap; beyond the end if there is none.
fn longest_gap(groups: [u16; 8]) -> (usize, usize) {
    let (mut gap, mut gap_end) = (8, 8);
    let mut longest = 1;
    let mut index = 0;
    while index < 8 {
        let start = index;
        while index < 8 && groups[index] == 0 {
            index += 1;
        }
        if index - start > longest {
            longest = index - start;
            (gap, gap_end) = (start, index);
        }
        index += 1;
    }
    (gap, gap_end)
}

fn put_group(out: &mut Head, group: u16) {
    let zeros = (group.leading_zeros() / 4).min(3);
    // The digits that count, moved to the front.
    let [.., a, b, c, d] = hex_digits(group.into());
    let text = (u32::from_be_bytes([a, b, c, d]) << (8 * zeros)).to_be_bytes();
    out.put_prefix(text, 4 - zeros as usize);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn text(address: [u8; 16], is_ipv6: bool) -> String {
        let mut out = Head::new();
        put_ip(&mut out, address, is_ipv6);
        String::from_utf8(out.as_slice().to_vec()).unwrap()
    }

    proptest! {
        #[test]
        fn addresses_read_as_the_standard_library_writes_them(groups in proptest::array::uniform8(prop_oneof![Just(0u16), Just(0xffff), 0u16..20, any::<u16>()]), octets: [u8; 4]) {
            let ipv6 = Ipv6Addr::from(groups);
            prop_assert_eq!(text(ipv6.octets(), true), ipv6.to_string());
            let ipv4 = Ipv4Addr::from(octets);
            prop_assert_eq!(text(ipv4.to_ipv6_mapped().octets(), false), ipv4.to_string());
            prop_assert_eq!(text(ipv4.to_ipv6_mapped().octets(), true), ipv4.to_ipv6_mapped().to_string());
        }
    }

    #[test]
    fn macs_have_two_digits_each() {
        let mut out = Head::new();
        put_mac(&mut out, [0x0a, 0, 0xff, 1, 2, 0x30]);
        assert_eq!(out.as_slice(), b"0a:00:ff:01:02:30");
    }
}
