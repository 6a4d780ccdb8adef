//! Whether this process may do what an observer does: capabilities(7).

use std::fs;

/// `CAP_SYS_ADMIN`: entering namespaces, and on kernels before 5.8 everything of BPF.
const SYS_ADMIN: u32 = 21;

/// What an observer needs, by bit.
const NEEDED: [(u32, &str); 4] = [
    (12, "CAP_NET_ADMIN"),
    (SYS_ADMIN, "CAP_SYS_ADMIN"),
    (38, "CAP_PERFMON"),
    (39, "CAP_BPF"),
];

/// The capabilities that this process lacks. If they cannot be read, the kernel will say what is missing.
pub(crate) fn missing() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    effective(&status).map_or_else(Vec::new, lacking)
}

/// The effective set, from `/proc/self/status`.
fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn lacking(effective: u64) -> Vec<&'static str> {
    let has = |bit: u32| effective & 1 << bit != 0;
    NEEDED
        .into_iter()
        // The administrator may do what the newer, smaller capabilities allow.
        .filter(|&(bit, _)| {
            let implied = bit > SYS_ADMIN && has(SYS_ADMIN);
            !has(bit) && !implied
        })
        .map(|(_, name)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_capabilities_are_named() {
        for (status, expect) in [
            ("Name:\tx\nCapEff:\t000001ffffffffff\n", Some(vec![])),
            ("CapEff:\t0000000000201000\n", Some(vec![])),
            ("CapEff:\t0000008000200000\n", Some(vec!["CAP_NET_ADMIN"])),
            (
                "CapEff:\t0000008000001000\n",
                Some(vec!["CAP_SYS_ADMIN", "CAP_PERFMON"]),
            ),
            ("CapPrm:\t0", None),
            ("CapEff:\tx", None),
        ] {
            assert_eq!(effective(status).map(lacking), expect, "{status:?}");
        }
    }
}
