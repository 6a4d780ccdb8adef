//! Exact sums: what interfaces counted, what the programs counted, and what records told.

use bpf_events::counters::{TOTAL_CODES, TOTAL_EGRESS, Total};
use bpf_events::edge::EdgeKey;
use bpf_events::record::{KIND_DROP, KIND_TRACE, Record};
use bpf_loader::RunTimeSettings;
use std::time::Duration;

use crate::datapath::TestNode;

/// Codes from here on are drop reasons.
const FIRST_REASON: u32 = 128;

/// Everything that was counted up to one moment, or between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What all endpoints sent, by their interfaces.
    pub sent: Total,
    /// What all endpoints were sent, by the host ends.
    pub delivered: Total,
    /// Packets among those that the endpoint's own queue did not take; the host end counts no bytes of them.
    pub overflowed: u64,
    /// The programs' totals by code.
    pub totals: Vec<Total>,
}

impl TestNode {
    /// Reads all counters once nothing changes any more.
    pub fn account(&self) -> Account {
        let mut before = self.account_now();
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.account_now();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    fn account_now(&self) -> Account {
        let mut account = Account {
            sent: Total::default(),
            delivered: Total::default(),
            overflowed: 0,
            totals: (0..TOTAL_CODES)
                .map(|code| self.datapath.counters.total(code))
                .collect(),
        };
        for endpoint in self.node.endpoints() {
            let index = endpoint.host_interface_index();
            if self.members.values().all(|member| member.ifindex != index) {
                continue;
            }
            let host = self
                .node
                .host_counters(endpoint)
                .expect("the interface is there");
            account.sent.packets += host.rx_packets;
            account.sent.bytes += host.rx_bytes;
            account.delivered.packets += host.tx_packets + host.tx_dropped;
            account.delivered.bytes += host.tx_bytes;
            account.overflowed += host.tx_dropped;
        }
        account
    }

    /// Lets every connection be idle at once, and collects what they and the rate-limited drops still owe.
    pub fn settle(&mut self, run_time: &RunTimeSettings) -> Vec<Record> {
        let mut records = self.records();
        let at_once = RunTimeSettings {
            trace_interval: Duration::ZERO,
            ..run_time.clone()
        };
        self.datapath.configure(&at_once);
        loop {
            let sweep = self.datapath.sweep().expect("the sweeper runs");
            assert_eq!(sweep.untold_packets, 0, "{sweep:?}");
            let more = self.records();
            if more.is_empty() && sweep.postponed == 0 {
                break;
            }
            records.extend(more);
        }
        self.datapath.configure(run_time);
        records
    }

    /// Packets and bytes of all edges that fit, forward and reply together.
    pub fn edges(&self, fits: impl Fn(&EdgeKey) -> bool) -> Total {
        let mut sum = Total::default();
        for (key, cell) in self.datapath.edges.all().expect("the map can be read") {
            if fits(&key) {
                sum.packets += cell.forward_packets + cell.reply_packets;
                sum.bytes += cell.forward_bytes + cell.reply_bytes;
            }
        }
        sum
    }
}

impl Account {
    /// What was counted after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let less = |now: Total, then: Total| Total {
            packets: now.packets - then.packets,
            bytes: now.bytes - then.bytes,
        };
        Self {
            sent: less(self.sent, earlier.sent),
            delivered: less(self.delivered, earlier.delivered),
            overflowed: self.overflowed - earlier.overflowed,
            totals: self
                .totals
                .iter()
                .zip(&earlier.totals)
                .map(|(now, then)| less(*now, *then))
                .collect(),
        }
    }

    /// One code at the endpoints' ingress hooks.
    pub fn ingress(&self, code: u32) -> Total {
        self.totals[code as usize]
    }

    /// One code at the endpoints' egress hooks.
    pub fn egress(&self, code: u32) -> Total {
        self.totals[(code + TOTAL_EGRESS) as usize]
    }

    /// One code at both hooks.
    pub fn both(&self, code: u32) -> Total {
        sum([self.ingress(code), self.egress(code)])
    }

    /// Everything the interfaces counted went through exactly one outcome of a hook.
    pub fn assert_balanced(&self) {
        let egress = sum((0..TOTAL_EGRESS).map(|code| self.egress(code)));
        assert_eq!(egress, self.sent, "at the endpoints' egress");
        let passed = sum((0..FIRST_REASON).map(|code| self.ingress(code)));
        assert_eq!(
            passed.packets, self.delivered.packets,
            "at the endpoints' ingress"
        );
        if self.overflowed == 0 {
            assert_eq!(
                passed.bytes, self.delivered.bytes,
                "at the endpoints' ingress"
            );
        }
    }
}

/// Sum of packets and bytes.
pub fn sum(totals: impl IntoIterator<Item = Total>) -> Total {
    totals
        .into_iter()
        .fold(Total::default(), |sum, each| Total {
            packets: sum.packets + each.packets,
            bytes: sum.bytes + each.bytes,
        })
}

/// What traces told.
pub fn traced(records: &[Record]) -> Total {
    told(records, KIND_TRACE)
}

/// What drops told.
pub fn dropped(records: &[Record]) -> Total {
    told(records, KIND_DROP)
}

fn told(records: &[Record], kind: u8) -> Total {
    sum(records
        .iter()
        .filter(|record| record.kind == kind)
        .map(|record| Total {
            packets: record.packets.into(),
            bytes: record.bytes,
        }))
}
