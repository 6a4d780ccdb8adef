//! Flows held against the log.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

use super::change::{PORTS, Truth};

/// A flow must show at least so many of each sort, or nothing was proved.
const LEAST: usize = 500;

/// Fails if a flow shows something that did not hold when it happened.
#[expect(clippy::print_stdout, reason = "how much was proved is worth knowing")]
pub(super) fn check(seed: u64, truth: &Truth, responses: &[Value]) {
    let mut seen = Seen::new();
    for response in responses {
        let flow = &response["flow"];
        let lost = format!("TYCHO_SEED={seed}: something was lost: {response}");
        assert!(flow.is_object(), "{lost}");
        for side in ["source", "destination"] {
            if let Err(wrong) = check_end(truth, flow, side, &mut seen) {
                panic!("TYCHO_SEED={seed}: {wrong}: {flow}");
            }
        }
        if let Err(wrong) = check_verdict(truth, flow, &mut seen) {
            panic!("TYCHO_SEED={seed}: {wrong}: {flow}");
        }
        let alien = flow["drop_reason_desc"] == "INVALID_SOURCE_IP";
        assert!(!alien, "TYCHO_SEED={seed}: {flow}");
    }
    println!("{} flows: {seen:?}", responses.len());
    for sort in ["an endpoint", "nobody", "passed", "dropped"] {
        let times = seen.get(sort).copied().unwrap_or_default();
        assert!(times >= LEAST, "{sort} is too rare: {seen:?}");
    }
    assert!(seen.contains_key("while it changed"), "{seen:?}");
}

/// What flows showed, and how often.
type Seen = BTreeMap<&'static str, usize>;

fn check_end(truth: &Truth, flow: &Value, side: &str, seen: &mut Seen) -> Result<(), String> {
    let address = flow["IP"][side].as_str().and_then(|text| text.parse().ok());
    let Some(timeline) = address.and_then(|address: IpAddr| truth.holders.get(&address)) else {
        return Ok(());
    };
    let shown = shown(&flow[side]);
    let held = timeline.at(time_of(flow));
    if !held.contains(&&shown) {
        return Err(format!("{side} is {shown:?}, and it was one of {held:?}"));
    }
    let sort = shown.map_or("nobody", |_| "an endpoint");
    *seen.entry(sort).or_default() += 1;
    if held.len() > 1 {
        *seen.entry("while it changed").or_default() += 1;
    }
    Ok(())
}

fn check_verdict(truth: &Truth, flow: &Value, seen: &mut Seen) -> Result<(), String> {
    let Some((port, passed)) = judged(flow) else {
        return Ok(());
    };
    let open = truth.open_port.at(time_of(flow));
    let fits = |open: &&Option<u16>| open.is_none_or(|open| (open == port) == passed);
    if !open.iter().any(fits) {
        return Err(format!("the open port was one of {open:?}"));
    }
    let sort = if passed { "passed" } else { "dropped" };
    *seen.entry(sort).or_default() += 1;
    Ok(())
}

fn time_of(flow: &Value) -> u64 {
    time_ns(flow["time"].as_str().expect("a time"))
}

/// Who an end is said to be; `None` if it is the world, as an address that nobody has.
fn shown(end: &Value) -> Option<(String, String)> {
    let labels = end["labels"].as_array().into_iter().flatten();
    let labels: Vec<&str> = labels.filter_map(Value::as_str).collect();
    if labels == ["reserved:world"] && end["pod_name"].is_null() {
        return None;
    }
    let name = end["pod_name"].as_str().unwrap_or("no name");
    let role = labels
        .iter()
        .find_map(|label| label.strip_prefix("k8s:role="));
    Some((name.to_owned(), role.unwrap_or("none").to_owned()))
}

/// Port and fate of a datagram that went to an endpoint.
fn judged(flow: &Value) -> Option<(u16, bool)> {
    let port = flow["l4"]["UDP"]["destination_port"].as_u64();
    let port = port
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| PORTS.contains(port))?;
    if flow["traffic_direction"] != "INGRESS" {
        return None;
    }
    Some((port, flow["verdict"] == "FORWARDED"))
}

/// Nanoseconds since 1970 of a time such as `2026-01-31T23:59:59.123456789Z`.
fn time_ns(text: &str) -> u64 {
    let number = |from: usize, to: usize| -> u64 {
        let digits = text
            .get(from..to)
            .unwrap_or_else(|| panic!("{text} is no time"));
        digits
            .parse()
            .unwrap_or_else(|_| panic!("{text} is no time"))
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut days: u64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let lengths = [
        31,
        if leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    days += lengths.iter().take(month as usize - 1).sum::<u64>() + day - 1;
    let seconds = days * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19);
    let fraction = text.get(20..text.len() - 1).unwrap_or_default();
    let nanoseconds = format!("{fraction:0<9}").parse::<u64>().unwrap_or_default();
    seconds * 1_000_000_000 + nanoseconds
}

#[cfg(test)]
mod tests {
    use super::time_ns;

    #[test]
    fn times() {
        let check = |text: &str, expect: u64| assert_eq!(time_ns(text), expect, "{text}");
        check("1970-01-01T00:00:00Z", 0);
        check("1970-01-02T00:00:00.5Z", 86_400_500_000_000);
        check("2024-03-01T00:00:01.000000007Z", 1_709_251_201_000_000_007);
        check("2026-11-22T17:10:08.123456789Z", 1_795_367_408_123_456_789);
    }
}
