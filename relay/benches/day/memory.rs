//! What this process has in memory, by proc(5).

const KIBIBYTE: u64 = 1_024;

/// Resident memory without what is shared with files.
pub(crate) fn resident_bytes() -> u64 {
    field("RssAnon:")
}

/// The most that was ever resident, files included.
pub(crate) fn peak_bytes() -> u64 {
    field("VmHWM:")
}

fn field(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process lives");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    number.expect("a number of kB") * KIBIBYTE
}

/// A figure of the row.
pub(crate) fn figure(what: &str, bytes: u64) {
    let mebibytes = bytes as f64 / (KIBIBYTE * KIBIBYTE) as f64;
    println!(r#"{{"row": "page-day/{what}", "value": {mebibytes:.1}, "unit": "MiB"}}"#);
}
