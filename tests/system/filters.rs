//! Filter flags, from the command line through the server to what is printed.

use crate::replay::Replay;

const COMPACT: &str = include_str!("recording/compact.txt");

/// Numbers of the recorded flows that a run printed, from 1.
fn matched(replay: &Replay, arguments: &[&str]) -> Vec<usize> {
    let arguments = [&["observe", "--all"], arguments].concat();
    let printed = replay.ask(&arguments).output();
    let number = |line| COMPACT.lines().position(|known| known == line);
    let numbers = printed.lines().map(|line| {
        let number = number(line).unwrap_or_else(|| panic!("{line}"));
        number + 1
    });
    numbers.collect()
}

#[test]
fn each_filter_matches_what_it_says() {
    let replay = Replay::new();
    for (arguments, expected) in [
        ("--from-label role=frontend", &[1, 2, 3, 5, 13, 14, 15][..]),
        ("--from-label role=frontend --verdict DROPPED", &[]),
        ("--to-label role=frontend", &[4, 6, 16]),
        ("--label role=banned", &[10, 11, 12]),
        ("--label k8s:role=banned", &[10, 11, 12]),
        ("--label other:role=banned", &[]),
        (
            "--from-label role=banned,io.kubernetes.pod.namespace=shop",
            &[10, 11, 12],
        ),
        (
            "--from-label role=banned --from-label role=intruder",
            &[7, 8, 9, 10, 11, 12, 20],
        ),
        ("--from-identity 259", &[10, 11, 12]),
        ("--to-identity 258", &[17, 18, 19]),
        ("--identity 258", &[7, 8, 9, 17, 18, 19, 20]),
        ("--from-ip fd44::12", &[7, 8, 9]),
        ("--to-ip 10.44.0.12", &[17, 18, 19]),
        ("--ip 10.44.0.12", &[17, 18, 19, 20]),
        ("--ip fd44::/64", &[7, 8, 9, 13, 14, 15, 16]),
        ("--from-port 5353", &[20]),
        ("--to-port 5353", &[17, 18, 19]),
        ("--port 40003", &[10, 11, 12]),
        ("--protocol icmp", &[13, 14, 15, 16]),
        ("--protocol icmpv4", &[]),
        ("--protocol udp", &[10, 11, 12, 17, 18, 19, 20]),
        ("--protocol TCP --ipv6", &[7, 8, 9]),
        ("--verdict DROPPED", &[8, 9, 11, 12]),
        ("--verdict DROPPED --not --type drop", &[8, 11]),
        ("--drop-reason-desc POLICY_DENY", &[11, 12]),
        (
            "--not --protocol tcp --not --verdict DROPPED",
            &[
                1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
            ],
        ),
        (
            "--not --protocol tcp --type trace:to-endpoint",
            &[15, 16, 19, 20],
        ),
        ("--tcp-flags syn,ack", &[4]),
        ("--from-pod shop/back --protocol udp", &[17, 18, 19]),
        ("--namespace other", &[]),
        ("--workload banned", &[10, 11, 12]),
        (
            "--traffic-direction egress --type policy-verdict",
            &[1, 7, 10, 13, 17],
        ),
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        assert_eq!(matched(&replay, &arguments), expected, "{arguments:?}");
    }
}

#[test]
fn a_flow_is_found_by_its_reference() {
    let replay = Replay::new();
    let drop = ["observe", "-o", "json", "--last", "1", "--type", "drop"];
    let printed = replay.ask(&drop).output();
    let response: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    let reference = response["tycho"]["reference"].as_str().expect("a text");
    assert_eq!(matched(&replay, &["--uuid", reference]), [12]);
}
