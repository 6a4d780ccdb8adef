//! What `--dedup` makes of streams written as short lines.

mod streams;

use std::collections::BTreeSet;
use std::time::Duration;

use prost_types::Timestamp;
use proto::flow::{
    CiliumEventType, Endpoint, Flow, IcmPv4, Ip, Layer4, LostEvent, Tcp, TrafficDirection, Verdict,
    layer4,
};
use proto::tycho::v1::get_flows_response::ResponseTypes;
use proto::tycho::v1::{FlowDetails, GetFlowsResponse};
use tokio::time::Instant;

use super::{Dedup, MOST_WAITING, WINDOW};
use crate::output::{Options, Printer};

/// One flow as a line: `MILLISECONDS CONNECTION WHAT…`. A connection is `from>to:port`, or `from>to` for a ping; `web`
/// and `db` are managed, others are not. What it is: `egress` or `ingress`, a verdict, and `rule` if a rule decided, `all`
/// if that one was for everybody, or `unenforced`; `trace`, `drop` and `lost` are no verdicts.
fn response(line: &str) -> GetFlowsResponse {
    let mut words = line.split_whitespace();
    let milliseconds: i64 = words.next().unwrap().parse().unwrap();
    let time = Some(Timestamp {
        seconds: 1_763_805_600 + milliseconds.div_euclid(1_000),
        nanos: i32::try_from(milliseconds.rem_euclid(1_000) * 1_000_000).unwrap(),
    });
    let connection = words.next().unwrap();
    let what: BTreeSet<&str> = words.collect();
    let kind = if what.contains("lost") {
        ResponseTypes::LostEvents(LostEvent {
            num_events_lost: 7,
            ..Default::default()
        })
    } else {
        let mut flow = flow(connection, &what);
        flow.time = time;
        // So that each can be found again.
        flow.uuid = line.to_owned();
        ResponseTypes::Flow(flow)
    };
    let node_name = if what.contains("egress") { "a" } else { "b" };
    GetFlowsResponse {
        response_types: Some(kind),
        node_name: node_name.to_owned(),
        time,
        tycho: Some(FlowDetails {
            rule: u32::from(what.contains("all")),
            ..Default::default()
        }),
    }
}

fn flow(connection: &str, what: &BTreeSet<&str>) -> Flow {
    let has = |word: &str| what.contains(word);
    let (from, to) = connection.split_once('>').unwrap();
    let (to, port) = match to.split_once(':') {
        Some((to, port)) => (to, Some(port.parse().unwrap())),
        None => (to, None),
    };
    let protocol = match port {
        Some(destination_port) => layer4::Protocol::Tcp(Tcp {
            source_port: 40_000,
            destination_port,
            flags: None,
        }),
        None => layer4::Protocol::IcmPv4(IcmPv4 { r#type: 8, code: 0 }),
    };
    let end = |name: &str| {
        let identity = match name {
            "web" => 300,
            "db" => 301,
            "network" => 1 << 24,
            _ => 2,
        };
        Some(Endpoint {
            identity,
            namespace: "shop".to_owned(),
            pod_name: name.to_owned(),
            ..Default::default()
        })
    };
    let verdict = if has("denied") || has("drop") {
        Verdict::Dropped
    } else if has("audited") {
        Verdict::Audit
    } else {
        Verdict::Forwarded
    };
    let direction = if has("egress") {
        TrafficDirection::Egress
    } else {
        TrafficDirection::Ingress
    };
    Flow {
        verdict: verdict.into(),
        ip: Some(Ip {
            source: format!("address of {from}"),
            destination: format!("address of {to}"),
            ..Default::default()
        }),
        l4: Some(Layer4 {
            protocol: Some(protocol),
        }),
        source: end(from),
        destination: end(to),
        event_type: Some(CiliumEventType {
            r#type: if has("drop") {
                1
            } else if has("trace") {
                4
            } else {
                5
            },
            sub_type: if has("drop") { 133 } else { 0 },
        }),
        node_name: if has("egress") { "a" } else { "b" }.to_owned(),
        traffic_direction: direction.into(),
        policy_match_type: if has("all") || has("unenforced") {
            4
        } else if has("rule") {
            2
        } else {
            0
        },
        is_reply: (verdict != Verdict::Dropped).then(|| has("reply")),
        ..Default::default()
    }
}

/// The lines that `tycho observe --dedup` prints, without what is the same in all of them.
fn printed(lines: &[&str]) -> Vec<String> {
    let now = Instant::now();
    let mut dedup = Dedup::default();
    let mut out = Vec::new();
    let options = Options::default();
    let mut printer = Printer::new(&options, &mut out, std::io::sink());
    for line in lines {
        dedup.push(response(line), now);
        while let Some(response) = dedup.pop(now) {
            printer.print(&response).unwrap();
        }
    }
    while let Some(response) = dedup.pop_at_end() {
        printer.print(&response).unwrap();
    }
    drop(printer);
    let text = String::from_utf8(out).unwrap();
    let short = |line: &str| {
        line.trim_start_matches("Nov 22 10:00:")
            .trim_end_matches(" ()")
            .replace(":40000", "")
            .replace(" (ID:300)", "")
            .replace(" (ID:301)", "")
            .replace("policy-verdict:", "")
    };
    text.lines().map(short).collect()
}

fn check(lines: &[&str], expected: &[&str]) {
    assert_eq!(printed(lines), expected, "{lines:#?}");
}

#[test]
fn one_line_says_which_end_decided() {
    for (egress, ingress, expected) in [
        // Which of them had a rule.
        ("", "", "-> shop/db:5432 none EGRESS+INGRESS ALLOWED"),
        (
            "rule",
            "rule",
            "-> shop/db:5432 L3-L4 EGRESS+INGRESS ALLOWED (both ends)",
        ),
        (
            "",
            "rule",
            "-> shop/db:5432 L3-L4 EGRESS+INGRESS ALLOWED (ingress of shop/db)",
        ),
        (
            "rule",
            "",
            "-> shop/db:5432 L3-L4 EGRESS+INGRESS ALLOWED (egress of shop/web)",
        ),
        (
            "unenforced",
            "rule",
            "-> shop/db:5432 L3-L4 EGRESS+INGRESS ALLOWED (ingress of shop/db)",
        ),
        (
            "unenforced",
            "unenforced",
            "-> shop/db:5432 all EGRESS+INGRESS ALLOWED",
        ),
        (
            "all",
            "rule",
            "-> shop/db:5432 all/L3-L4 EGRESS+INGRESS ALLOWED (both ends)",
        ),
        (
            "all",
            "unenforced",
            "-> shop/db:5432 all EGRESS+INGRESS ALLOWED (egress of shop/web)",
        ),
        // Which of them is stricter; what the other said is never lost.
        (
            "rule",
            "denied",
            "-> shop/db:5432 none EGRESS+INGRESS DENIED (ingress of shop/db; egress ALLOWED)",
        ),
        (
            "audited",
            "denied rule",
            "-> shop/db:5432 L3-L4 EGRESS+INGRESS DENIED (ingress of shop/db; egress AUDITED)",
        ),
        (
            "rule",
            "audited",
            "-> shop/db:5432 none EGRESS+INGRESS AUDITED (ingress of shop/db; egress ALLOWED)",
        ),
        (
            "audited",
            "rule",
            "-> shop/db:5432 none EGRESS+INGRESS AUDITED (egress of shop/web; ingress ALLOWED)",
        ),
        (
            "audited",
            "audited",
            "-> shop/db:5432 none EGRESS+INGRESS AUDITED",
        ),
    ] {
        let egress = format!("1 web>db:5432 egress {egress}");
        let ingress = format!("2 web>db:5432 ingress {ingress}");
        let decided_by_egress = expected.contains("(egress of");
        let milliseconds = if decided_by_egress { 1 } else { 2 };
        let expected = format!("00.00{milliseconds}: shop/web {expected}");
        check(&[&egress, &ingress], &[&expected]);
    }
}

#[test]
fn what_is_no_pair_stays_as_it_is() {
    for lines in [
        // Denied where it leaves: nothing arrives.
        &["1 web>db:80 egress denied", "2 web>db:80 ingress"][..],
        // The other end is not managed.
        &["1 web>outside:80 egress", "2 web>outside:80 ingress"],
        &["1 web>network:80 egress", "2 web>network:80 ingress"],
        // Another connection, direction, or end.
        &["1 web>db:80 egress", "2 web>db:81 ingress"],
        &["1 web>db:80 egress", "2 db>web:80 ingress"],
        &["1 web>db:80 egress", "2 web>db:80 ingress reply"],
        &["1 web>db:80 egress", "2 web>db ingress"],
        &["1 web>db:80 egress", "2 web>db:80 egress"],
        &["1 web>db:80 ingress", "2 web>db:80 ingress denied"],
        // Too far apart, in either order.
        &["1 web>db:80 egress", "502 web>db:80 ingress"],
        &["1000 web>db:80 egress", "499 web>db:80 ingress"],
        // No verdicts.
        &["1 web>db:80 egress trace", "2 web>db:80 ingress trace"],
        &["1 web>db:80 egress", "2 web>db:80 ingress drop"],
        &["1 web>db:80 egress", "2 web>db:80 ingress trace"],
    ] {
        let kept = printed(lines);
        assert_eq!(kept.len(), lines.len(), "{lines:?}\n{kept:#?}");
        assert!(!kept.join("\n").contains("EGRESS+INGRESS"), "{kept:#?}");
    }
}

#[test]
fn lines_stay_in_order_and_each_goes_on_when_it_may() {
    // The one that stays has its own place: an ingress verdict that decided, behind what came before it.
    check(
        &[
            "1 web>db:80 egress",
            "2 web>db:81 egress rule",
            "3 x>db:1 ingress trace",
            "4 web>db:81 ingress",
            "5 web>db:80 ingress rule",
            "6 x>db:2 ingress trace",
        ],
        &[
            "00.002: shop/web -> shop/db:81 L3-L4 EGRESS+INGRESS ALLOWED (egress of shop/web)",
            "00.003: shop/x (world) -> shop/db:1 to-endpoint FORWARDED",
            "00.005: shop/web -> shop/db:80 L3-L4 EGRESS+INGRESS ALLOWED (ingress of shop/db)",
            "00.006: shop/x (world) -> shop/db:2 to-endpoint FORWARDED",
        ],
    );
    // A denied packet that is sent again is denied again; the drops themselves stay.
    check(
        &[
            "1 web>db:80 egress",
            "2 web>db:80 ingress denied",
            "2 web>db:80 ingress drop",
            "300 web>db:80 ingress denied",
            "300 web>db:80 ingress drop",
        ],
        &[
            "00.002: shop/web -> shop/db:80 none EGRESS+INGRESS DENIED (ingress of shop/db; egress ALLOWED)",
            "00.002: shop/web <> shop/db:80 Policy denied DROPPED",
            "00.300: shop/web <> shop/db:80 none INGRESS DENIED",
            "00.300: shop/web <> shop/db:80 Policy denied DROPPED",
        ],
    );
    // Two at once take their turns. A node whose clock is behind says "arrived" first.
    check(
        &[
            "1 web>db ingress rule",
            "2 web>db ingress rule",
            "3 web>db egress",
            "4 web>db egress",
        ],
        &[
            "00.001: shop/web -> shop/db L3-L4 EGRESS+INGRESS ALLOWED (ingress of shop/db)",
            "00.002: shop/web -> shop/db L3-L4 EGRESS+INGRESS ALLOWED (ingress of shop/db)",
        ],
    );
}

#[test]
fn a_verdict_waits_for_the_stream_or_for_the_clock() {
    let start = Instant::now();
    let mut dedup = Dedup::default();
    assert_eq!(dedup.until(), None);
    dedup.push(response("0 web>db:80 egress"), start);
    dedup.push(response("500 x>db:1 ingress trace"), start);
    assert!(
        dedup
            .pop(start + WINDOW - Duration::from_nanos(1))
            .is_none()
    );
    assert_eq!(dedup.until(), Some(start + WINDOW));
    // The clock: nothing comes any more.
    assert!(dedup.pop(start + WINDOW).is_some());
    assert_eq!(dedup.until(), None);
    assert!(dedup.pop(start).is_some());
    assert!(dedup.pop(start).is_none());
    // The stream: it is beyond.
    dedup.push(response("1000 web>db:80 egress"), start);
    dedup.push(response("1500 x>db:1 ingress trace"), start);
    assert!(dedup.pop(start).is_none());
    // A relay says first, with the time of now, which nodes it has, and then what happened before.
    dedup.push(response("9000 lost lost"), start);
    assert!(dedup.pop(start).is_none());
    dedup.push(response("1501 x>db:1 ingress trace"), start);
    assert_eq!(std::iter::from_fn(|| dedup.pop(start)).count(), 4);
    assert!(dedup.waiting.is_empty(), "{:?}", dedup.waiting);
}

#[test]
fn what_waits_is_bounded() {
    let now = Instant::now();
    let mut dedup = Dedup::default();
    let mut popped = 0;
    for number in 0..3 * MOST_WAITING {
        dedup.push(response(&format!("1 web>db:{number} egress")), now);
        while dedup.pop(now).is_some() {
            popped += 1;
        }
        assert!(dedup.queue.len() <= MOST_WAITING);
        assert!(dedup.waiting.len() <= MOST_WAITING);
    }
    assert_eq!(popped, 2 * MOST_WAITING);
}
