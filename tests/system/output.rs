//! Recorded bytes to the lines that `tycho observe` prints, byte for byte.

use crate::replay::Replay;

const COMPACT: &str = include_str!("recording/compact.txt");
const JSON: &str = include_str!("recording/json.txt");

#[test]
fn compact() {
    let replay = Replay::new();
    assert_eq!(replay.ask(&["observe", "--all"]).output(), COMPACT);
    let with_names = replay.ask(&["observe", "--all", "--print-policy-names"]);
    let by = "BY shop/backend (CiliumNetworkPolicy)";
    let mut expected: Vec<String> = COMPACT.lines().map(str::to_owned).collect();
    for (record, verdict) in [(2, "ALLOWED"), (11, "DENIED"), (14, "ALLOWED")] {
        let line = &mut expected[record - 1];
        *line = line.replace(verdict, &format!("{verdict} {by}"));
    }
    assert_eq!(
        with_names.output().lines().collect::<Vec<_>>(),
        expected,
        "a drop by default has no rule"
    );
}

#[test]
fn json_with_tychos_details_beside_the_flow() {
    let replay = Replay::new();
    let printed = replay.ask(&["observe", "--all", "-o", "json"]).output();
    let lines: Vec<String> = printed.lines().map(comparable).collect();
    for (number, (line, expected)) in (1..).zip(lines.iter().zip(JSON.lines())) {
        assert_eq!(line, expected, "record {number}");
    }
    assert_eq!(lines.len(), JSON.lines().count());
}

#[test]
fn a_mask_prints_what_was_asked_for() {
    let replay = Replay::new();
    let mask = "source.labels,verdict,l4.TCP.destination_port,drop_reason_desc";
    let arguments = ["observe", "--all", "-o", "json", "--field-mask", mask];
    let printed = replay.ask(&arguments).output();
    let ninth = printed.lines().nth(8).expect("20 lines");
    let flow = ninth
        .strip_prefix(r#"{"flow":"#)
        .and_then(|rest| rest.split_once(r#","node_name":"default/node-a","#));
    let (flow, rest) = flow.unwrap_or_else(|| panic!("{ninth}"));
    assert_eq!(
        flow,
        r#"{"verdict":"DROPPED","l4":{"TCP":{"destination_port":8080}},"source":{"labels":["k8s:io.kubernetes.pod.namespace=shop","k8s:role=intruder"]},"drop_reason_desc":"POLICY_DENIED"}"#
    );
    // The response keeps its own time, whatever is masked in the flow.
    assert!(
        rest.starts_with(r#""time":"2044-05-06T10:00:00.008"#),
        "{rest}"
    );
}

#[test]
fn other_forms_of_text() {
    let replay = Replay::new();
    let last = |arguments: &[&str]| {
        let arguments = [&["observe", "--last", "1"], arguments].concat();
        replay.ask(&arguments).output()
    };
    for (arguments, expected) in [
        (
            &["--numeric"][..],
            "May  6 10:00:00.019: 10.44.0.11:40004 (ID:257) <- 10.44.0.12:5353 (ID:258) to-endpoint FORWARDED (UDP)\n",
        ),
        (
            &["--print-node-name"],
            "May  6 10:00:00.019 [default/node-a]: shop/backend-1:40004 (ID:257) <- shop/intruder-1:5353 (ID:258) to-endpoint FORWARDED (UDP)\n",
        ),
        (
            &["--numeric", "--from-identity", "257", "--ipv6"],
            "May  6 10:00:00.015: fd44::10 (ID:256) <- fd44::11 (ID:257) to-endpoint FORWARDED (ICMPv6 EchoReply)\n",
        ),
        (
            &["--numeric", "--type", "drop", "--ipv6"],
            "May  6 10:00:00.008: [fd44::12]:40002 (ID:258) <> [fd44::11]:8080 (ID:257) Policy denied DROPPED (TCP Flags: SYN)\n",
        ),
        (
            &["-o", "dict", "--verdict", "DROPPED"],
            "  TIMESTAMP: May  6 10:00:00.011\n     SOURCE: shop/banned-1:40003\nDESTINATION: shop/backend-1:8080\n       TYPE: Policy denied by denylist\n    VERDICT: DROPPED\n    SUMMARY: UDP\n",
        ),
    ] {
        assert_eq!(last(arguments), expected, "{arguments:?}");
    }
}

/// The line without what differs from run to run: digits below milliseconds, and the observer's epoch in references.
fn comparable(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("T10:00:00.") {
        let (before, after) = rest.split_at(at + "T10:00:00.000".len());
        text.push_str(before);
        rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    text.push_str(rest);
    let begin = text.find("\"uuid\":\"").expect("a reference") + "\"uuid\":\"".len();
    let epoch = text[begin..begin + 18].to_owned();
    text.replace(&epoch, "EPOCH")
}
