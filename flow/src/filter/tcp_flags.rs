//! `tcp_flags`: all flags that an entry sets must be set; more are fine.

use bpf_events::record::MARK_TCP_NS;
use proto::flow::TcpFlags as Wanted;

use crate::encode::layer4::PROTOCOL_TCP;

/// Per entry the bits of the TCP header, and NS as bit 8.
#[derive(Debug)]
pub(super) struct TcpFlags(Vec<u16>);

impl TcpFlags {
    pub(super) fn new(entries: &[Wanted]) -> Self {
        Self(entries.iter().map(bits).collect())
    }

    #[inline]
    pub(super) fn test(&self, ports_word: u64, event_word: u64) -> bool {
        let [_, _, _, _, protocol, _, _, flags] = ports_word.to_le_bytes();
        let [_, _, _, _, _, _, marks, _] = event_word.to_le_bytes();
        let flags = u16::from(flags) | if marks & MARK_TCP_NS != 0 { 1 << 8 } else { 0 };
        protocol == PROTOCOL_TCP && self.0.iter().any(|wanted| flags & wanted == *wanted)
    }
}

fn bits(wanted: &Wanted) -> u16 {
    let Wanted {
        fin,
        syn,
        rst,
        psh,
        ack,
        urg,
        ece,
        cwr,
        ns,
    } = *wanted;
    [fin, syn, rst, psh, ack, urg, ece, cwr, ns]
        .into_iter()
        .enumerate()
        .fold(0, |bits, (bit, set)| bits | u16::from(set) << bit)
}
