//! Addresses as text, as Go prints them: `10.0.0.1`, `fd00::1`, `0a:00:00:00:00:01`.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a MAC address.
pub(super) fn put_mac(out: &mut Vec<u8>, mac: [u8; 6]) {
    let mut text = [b':'; 17];
    for (index, byte) in mac.into_iter().enumerate() {
        text[index * 3] = HEX[usize::from(byte >> 4)];
        text[index * 3 + 1] = HEX[usize::from(byte & 15)];
    }
    out.extend_from_slice(&text);
}

/// Appends an address in 16 bytes: as IPv6, or (IPv4 mapped) as IPv4.
pub(super) fn put_ip(out: &mut Vec<u8>, address: [u8; 16], is_ipv6: bool) {
    if is_ipv6 {
        put_ipv6(out, address);
    } else {
        let [.., a, b, c, d] = address;
        put_ipv4(out, [a, b, c, d]);
    }
}

fn put_ipv4(out: &mut Vec<u8>, octets: [u8; 4]) {
    let mut text = [b'.'; 16];
    let mut length = 0;
    for octet in octets {
        if octet >= 100 {
            text[length] = b'0' + octet / 100;
            length += 1;
        }
        if octet >= 10 {
            text[length] = b'0' + octet / 10 % 10;
            length += 1;
        }
        text[length] = b'0' + octet % 10;
        length += 2;
        if let Some(dot) = text.get_mut(length - 1) {
            *dot = b'.';
        }
    }
    out.extend_from_slice(&text[..length - 1]);
}

/// RFC 5952: lower case, no leading zeros, the longest run of at least two zero groups as `::`.
fn put_ipv6(out: &mut Vec<u8>, address: [u8; 16]) {
    let groups: [u16; 8] = std::array::from_fn(|index| {
        u16::from_be_bytes([address[index * 2], address[index * 2 + 1]])
    });
    if let [0, 0, 0, 0, 0, 0xffff, _, _] = groups {
        out.extend_from_slice(b"::ffff:");
        let [.., a, b, c, d] = address;
        put_ipv4(out, [a, b, c, d]);
        return;
    }
    let (gap, gap_end) = longest_gap(groups);
    let mut index = 0;
    while index < 8 {
        if index == gap {
            out.extend_from_slice(b"::");
            index = gap_end;
            continue;
        }
        if index != 0 && index != gap_end {
            out.push(b':');
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

fn put_group(out: &mut Vec<u8>, group: u16) {
    let digits = [group >> 12, group >> 8 & 15, group >> 4 & 15, group & 15]
        .map(|digit| HEX[usize::from(digit)]);
    let zeros = (group.leading_zeros() / 4).min(3) as usize;
    out.extend_from_slice(&digits[zeros..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn text(address: [u8; 16], is_ipv6: bool) -> String {
        let mut out = Vec::new();
        put_ip(&mut out, address, is_ipv6);
        String::from_utf8(out).unwrap()
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
        let mut out = Vec::new();
        put_mac(&mut out, [0x0a, 0, 0xff, 1, 2, 0x30]);
        assert_eq!(out, b"0a:00:ff:01:02:30");
    }
}
