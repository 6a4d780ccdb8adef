//! `flow.Layer4` and `Summary`: both follow from protocol, flags and ICMP type.

use std::borrow::Cow;
use std::sync::LazyLock;

use bpf_events::record::MARK_TCP_NS;

use super::head::Head;
use super::icmp;
use crate::row::FlowRow;
use crate::wire::{BYTES, VARINT, put_bytes, tag};

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
/// Field of `flow.Flow`.
const SUMMARY: [u8; 3] = tag(100_000, BYTES);
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
    /// `flags` of `flow.TCP`, with tag and length: at most nine flags of two bytes.
    message: [u8; 20],
    message_length: usize,
    summary: String,
    /// `Summary`, with tag and length.
    summary_field: Vec<u8>,
}

static FLAG_FORMS: LazyLock<Vec<FlagForms>> = LazyLock::new(|| (0..512).map(flag_forms).collect());

fn flag_forms(flags: u16) -> FlagForms {
    let set = || FLAGS.iter().filter(|&&(_, bit, _)| flags & bit != 0);
    let mut numbers: Vec<u8> = set().map(|&(_, _, number)| number).collect();
    numbers.sort_unstable();
    let mut message = [0; 20];
    message[0] = tag::<1>(3, BYTES)[0];
    let mut message_length = 2;
    for number in numbers {
        message[message_length] = number << 3;
        message[message_length + 1] = 1;
        message_length += 2;
    }
    message[1] = (message_length - 2) as u8;
    let names: Vec<&str> = set().map(|&(name, _, _)| name).collect();
    let summary = format!("TCP Flags: {}", names.join(", "));
    let mut summary_field = Vec::new();
    put_bytes(&mut summary_field, SUMMARY, summary.as_bytes());
    FlagForms {
        message,
        message_length,
        summary,
        summary_field,
    }
}

/// All nine TCP flags of a row, as bits.
fn tcp_flag_bits(row: &FlowRow) -> u16 {
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
pub(super) fn put_layer4(out: &mut Head, field: [u8; 1], row: &FlowRow) {
    let (protocol, first, second, flags) = match row.protocol {
        PROTOCOL_TCP => (TCP, row.source_port, row.destination_port, Some(forms(row))),
        PROTOCOL_UDP => (UDP, row.source_port, row.destination_port, None),
        PROTOCOL_SCTP => (SCTP, row.source_port, row.destination_port, None),
        PROTOCOL_ICMP => (ICMPV4, row.icmp_type.into(), row.icmp_code.into(), None),
        PROTOCOL_ICMPV6 => (ICMPV6, row.icmp_type.into(), row.icmp_code.into(), None),
        _ => return,
    };
    out.put_message(field, |out| {
        out.put_message(protocol, |out| {
            out.put_number(FIRST, first.into());
            out.put_number(SECOND, second.into());
            if let Some(flags) = flags {
                out.put_prefix(flags.message, flags.message_length);
            }
        });
    });
}

/// Appends the deprecated field `Summary`, which clients still print.
pub(super) fn put_summary(out: &mut Vec<u8>, row: &FlowRow) {
    if row.protocol == PROTOCOL_TCP {
        out.extend_from_slice(&forms(row).summary_field);
    } else {
        put_bytes(out, SUMMARY, summary(row).as_bytes());
    }
}

/// The text of `Summary`.
fn summary(row: &FlowRow) -> Cow<'static, str> {
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
