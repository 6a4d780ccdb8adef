//! `ip_version`: 0 is a flow without IP.

use bpf_events::record::{MARK_IPV6, MARK_NO_IP};
use proto::flow::IpVersion;

#[derive(Debug)]
pub(super) struct IpVersions {
    none: bool,
    ipv4: bool,
    ipv6: bool,
}

impl IpVersions {
    pub(super) fn new(versions: &[i32]) -> Self {
        let wanted = |version: IpVersion| versions.contains(&version.into());
        Self {
            none: wanted(IpVersion::IpNotUsed),
            ipv4: wanted(IpVersion::IPv4),
            ipv6: wanted(IpVersion::IPv6),
        }
    }

    #[inline]
    pub(super) fn test(&self, event_word: u64) -> bool {
        let [_, _, _, _, _, _, marks, _] = event_word.to_le_bytes();
        if marks & MARK_NO_IP != 0 {
            self.none
        } else if marks & MARK_IPV6 != 0 {
            self.ipv6
        } else {
            self.ipv4
        }
    }
}
