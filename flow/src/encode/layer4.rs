//! `flow.Layer4` and `Summary`: both follow from protocol, flags and ICMP type.

use std::borrow::Cow;
use std::sync::LazyLock;

use bpf_events::record::MARK_TCP_NS;

use super::icmp;
use crate::row::FlowRow;
use crate::wire::{BYTES, VARINT, put_message, put_number, tag};

pub(crate) const PROTOCOL_ICMP: u8 = 1;
pub(crate) const PROTOCOL_TCP: u8 = 6;
pub(crate) const PROTOCOL_UDP: u8 = 17;
pub(crate) const PROTOCOL_ICMPV6: u8 = 58;
pub(crate) const PROTOCOL_SCTP: u8 = 132;

/// Fields of `flow.Layer4`.
const TCP: [u8; 1] = tag(1, BYTES);
const UDP: [u8; 1] = tag(2, BYTES);
const ICMPV4: [u8; 1] = tag(3, BYTES);
const ICMPV6: [u8; 1] = tag(4, BYTES);
const SCTP: [u8; 1] = tag(5, BYTES);
const FIRST: [u8; 1] = tag(1, VARINT);
const SECOND: [u8; 1] = tag(2, VARINT);

/// (name, bit in the record, number in `flow.TCPFlags`), in the order in which Hubble's summary names them.
const FLAGS: [(&str, u16, u8); 9] = [
    ("SYN", 1 << 1, 2),
    ("ACK", 1 << 4, 5),
    ("RST", 1 << 2, 3),
    ("FIN", 1, 1),
    ("PSH", 1 << 3, 4),
    ("URG", 1 << 5, 6),
    ("ECE", 1 << 6, 7),
    ("CWR", 1 << 7, 8),
    ("NS", 1 << 8, 9),
];

/// The TCP part of a flow for one set of flags.
struct FlagForms {
    /// `flags` of `flow.TCP`, with tag and length.
    message: Vec<u8>,
    summary: String,
}

static FLAG_FORMS: LazyLock<Vec<FlagForms>> = LazyLock::new(|| (0..512).map(flag_forms).collect());

fn flag_forms(flags: u16) -> FlagForms {
    let set = || FLAGS.iter().filter(|&&(_, bit, _)| flags & bit != 0);
    let mut numbers: Vec<u8> = set().map(|&(_, _, number)| number).collect();
    numbers.sort_unstable();
    let mut message = Vec::new();
    put_message(&mut message, tag::<1>(3, BYTES), |out| {
        for number in numbers {
            put_number(out, [number << 3], 1);
        }
    });
    let names: Vec<&str> = set().map(|&(name, _, _)| name).collect();
    FlagForms {
        message,
        summary: format!("TCP Flags: {}", names.join(", ")),
    }
}

/// All nine TCP flags of a row, as bits.
pub(crate) fn tcp_flag_bits(row: &FlowRow) -> u16 {
    u16::from(row.tcp_flags)
        | if row.marks & MARK_TCP_NS != 0 {
            1 << 8
        } else {
            0
        }
}

fn forms(row: &FlowRow) -> &'static FlagForms {
    &FLAG_FORMS[usize::from(tcp_flag_bits(row))]
}

/// Appends the field `l4`, if the protocol has one.
pub(super) fn put_layer4(out: &mut Vec<u8>, field: [u8; 1], row: &FlowRow) {
    let (protocol, first, second, extra) = match row.protocol {
        PROTOCOL_TCP => (
            TCP,
            row.source_port,
            row.destination_port,
            &*forms(row).message,
        ),
        PROTOCOL_UDP => (UDP, row.source_port, row.destination_port, &[][..]),
        PROTOCOL_SCTP => (SCTP, row.source_port, row.destination_port, &[][..]),
        PROTOCOL_ICMP => (ICMPV4, row.icmp_type.into(), row.icmp_code.into(), &[][..]),
        PROTOCOL_ICMPV6 => (ICMPV6, row.icmp_type.into(), row.icmp_code.into(), &[][..]),
        _ => return,
    };
    put_message(out, field, |out| {
        put_message(out, protocol, |out| {
            put_number(out, FIRST, first.into());
            put_number(out, SECOND, second.into());
            out.extend_from_slice(extra);
        });
    });
}

/// The text of the deprecated field `Summary`, which clients still print.
pub(crate) fn summary(row: &FlowRow) -> Cow<'static, str> {
    let icmp = |version: &str, is_v6| {
        let mut text = String::with_capacity(64);
        text.push_str(version);
        icmp::put_message_name(&mut text, is_v6, row.icmp_type, row.icmp_code);
        Cow::Owned(text)
    };
    Cow::Borrowed(match (row.protocol, row.ip_version()) {
        (_, None) => "Ethernet",
        (PROTOCOL_TCP, _) => &forms(row).summary,
        (PROTOCOL_UDP, _) => "UDP",
        (PROTOCOL_SCTP, _) => "SCTP",
        (PROTOCOL_ICMP, _) => return icmp("ICMPv4 ", false),
        (PROTOCOL_ICMPV6, _) => return icmp("ICMPv6 ", true),
        (_, Some(6)) => "IPv6",
        (_, Some(_)) => "IPv4",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bpf_events::record::{MARK_IPV6, MARK_NO_IP};

    #[test]
    fn summaries_are_those_of_the_samples() {
        let check = |row: FlowRow, expect| assert_eq!(summary(&row), expect);
        let tcp = |tcp_flags, marks| FlowRow {
            protocol: 6,
            tcp_flags,
            marks,
            ..FlowRow::default()
        };
        check(tcp(0b10, 0), "TCP Flags: SYN");
        check(tcp(0b1_0010, 0), "TCP Flags: SYN, ACK");
        check(tcp(0b1_1000, 0), "TCP Flags: ACK, PSH");
        check(tcp(0b1_0001, 0), "TCP Flags: ACK, FIN");
        check(
            tcp(0xff, MARK_TCP_NS),
            "TCP Flags: SYN, ACK, RST, FIN, PSH, URG, ECE, CWR, NS",
        );
        check(tcp(0, 0), "TCP Flags: ");
        let of = |protocol, icmp_type, marks| FlowRow {
            protocol,
            icmp_type,
            marks,
            ..FlowRow::default()
        };
        check(of(17, 0, 0), "UDP");
        check(of(132, 0, 0), "SCTP");
        check(of(1, 8, 0), "ICMPv4 EchoRequest");
        check(of(58, 135, MARK_IPV6), "ICMPv6 NeighborSolicitation");
        check(of(47, 0, 0), "IPv4");
        check(of(47, 0, MARK_IPV6), "IPv6");
        check(of(0, 0, MARK_NO_IP), "Ethernet");
    }
}
