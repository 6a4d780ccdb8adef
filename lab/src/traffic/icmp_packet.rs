//! ICMP echo requests and replies as bytes, for both families.

use std::net::IpAddr;

/// Type, code, checksum, identifier, sequence.
const HEADER_BYTES: usize = 8;

/// An echo request. The kernel fills in ICMPv6's checksum, which covers addresses it alone knows.
pub(super) fn echo_request(
    to: IpAddr,
    identifier: u16,
    sequence: u16,
    payload_bytes: usize,
) -> Vec<u8> {
    let kind = if to.is_ipv4() { 8 } else { 128 };
    let mut packet = vec![b't'; HEADER_BYTES + payload_bytes];
    packet[..4].copy_from_slice(&[kind, 0, 0, 0]);
    packet[4..6].copy_from_slice(&identifier.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    if to.is_ipv4() {
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// The sequence number of an echo reply with our identifier, in what a raw socket received: with
/// its IP header for IPv4, without it for IPv6.
pub(super) fn reply_sequence(from: IpAddr, received: &[u8], identifier: u16) -> Option<u16> {
    let (packet, reply_kind) = match from {
        IpAddr::V4(_) => {
            let header_bytes = usize::from(*received.first()? & 0x0f) * 4;
            (received.get(header_bytes..)?, 0)
        }
        IpAddr::V6(_) => (received, 129),
    };
    let [
        kind,
        code,
        _,
        _,
        id_high,
        id_low,
        sequence_high,
        sequence_low,
    ] = *packet.first_chunk::<HEADER_BYTES>()?;
    let ours =
        kind == reply_kind && code == 0 && u16::from_be_bytes([id_high, id_low]) == identifier;
    ours.then(|| u16::from_be_bytes([sequence_high, sequence_low]))
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        sum += u32::from(word);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::{checksum, echo_request, reply_sequence};

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    #[test]
    fn the_checksum_is_the_rfc_example_and_verifies() {
        assert_eq!(
            checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
        for payload_bytes in [0, 1, 55, 56, 1_400] {
            assert_eq!(
                checksum(&echo_request(V4, 0x1234, 7, payload_bytes)),
                0,
                "{payload_bytes}"
            );
        }
        assert_eq!(
            echo_request(V6, 0x1234, 7, 1),
            [128, 0, 0, 0, 0x12, 0x34, 0, 7, b't']
        );
    }

    #[test]
    fn replies_are_told_from_everything_else() {
        let bare = |kind: u8| vec![kind, 0, 0, 0, 0x12, 0x34, 0, 7];
        let with_header = |words: u8, kind: u8| {
            let mut packet = vec![0; usize::from(words) * 4];
            packet[0] = 0x40 | words;
            packet.extend(bare(kind));
            packet
        };
        let cases = [
            ("IPv4 reply", V4, with_header(5, 0), Some(7)),
            ("IPv4 reply behind options", V4, with_header(15, 0), Some(7)),
            ("IPv4 request", V4, with_header(5, 8), None),
            ("IPv4 header cut short", V4, vec![0x4f, 0, 0], None),
            (
                "IPv4 without the rest",
                V4,
                with_header(5, 0)[..27].to_vec(),
                None,
            ),
            ("IPv6 reply", V6, bare(129), Some(7)),
            ("IPv6 request", V6, bare(128), None),
            ("empty", V4, Vec::new(), None),
            ("empty", V6, Vec::new(), None),
        ];
        for (case, from, received, expected) in cases {
            assert_eq!(reply_sequence(from, &received, 0x1234), expected, "{case}");
            assert_eq!(
                reply_sequence(from, &received, 0x1235),
                None,
                "{case}, other identifier"
            );
        }
    }
}
