//! `tycho observe --dedup`: one line for the verdicts of both ends, in each format.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use proto::observer::GetFlowsResponse;

use crate::binary::{command, tycho, tycho_fed};
use crate::fake::{Fake, Plan};

/// A verdict as a relay's stream has it: one end, its policy, and what came of it.
fn verdict(end: &str, milliseconds: u32, verdict: &str, policy: &str) -> String {
    let (node, direction) = if end == "ingress" {
        ("default/b", "INGRESS")
    } else {
        ("default/a", "EGRESS")
    };
    let time = format!("2025-11-22T10:00:00.{milliseconds:03}Z");
    let said = if verdict == "DROPPED" {
        "denied"
    } else {
        "allowed"
    };
    let (policy, match_type) = match policy {
        "" => (String::new(), 0),
        name => (
            format!(
                r#","{end}_{said}_by":[{{"name":"{name}","namespace":"shop","kind":"CiliumNetworkPolicy"}}]"#
            ),
            2,
        ),
    };
    format!(
        r#"{{"flow":{{"time":"{time}","verdict":"{verdict}","IP":{{"source":"10.1.0.11","destination":"10.2.0.31"}},"l4":{{"TCP":{{"source_port":40000,"destination_port":5432}}}},"source":{{"identity":300,"namespace":"shop","pod_name":"web"}},"destination":{{"identity":301,"namespace":"shop","pod_name":"db"}},"node_name":"{node}","event_type":{{"type":5}},"traffic_direction":"{direction}","policy_match_type":{match_type}{policy},"is_reply":false,"Summary":"TCP Flags: SYN"}},"node_name":"{node}","time":"{time}","tycho":{{"rule":{milliseconds}}}}}"#
    )
}

fn fed(flags: &[&str], lines: &[String]) -> String {
    let mut arguments = vec!["observe", "--dedup", "--input-file", "-"];
    arguments.extend(flags);
    let run = tycho_fed(&arguments, &lines.join("\n"));
    assert_eq!((run.stderr.as_str(), run.code), ("", 0), "{flags:?}");
    run.stdout
}

#[test]
fn text_formats() {
    let allowed = [
        verdict("egress", 1, "FORWARDED", "web"),
        verdict("ingress", 2, "FORWARDED", "db"),
    ];
    let denied = [
        verdict("egress", 1, "FORWARDED", ""),
        verdict("ingress", 2, "DROPPED", "db"),
    ];
    let start = "Nov 22 10:00:00.002: shop/web:40000 (ID:300) -> shop/db:5432 (ID:301) \
                 policy-verdict:L3-L4 EGRESS+INGRESS";
    let names = "--print-policy-names";
    for (lines, flags, expected) in [
        (
            &allowed,
            &[][..],
            format!("{start} ALLOWED (both ends) (TCP Flags: SYN)\n"),
        ),
        (
            &allowed,
            &[names],
            format!(
                "{start} ALLOWED BY shop/web (CiliumNetworkPolicy), shop/db (CiliumNetworkPolicy) (both ends) \
                 (TCP Flags: SYN)\n"
            ),
        ),
        (
            &denied,
            &[],
            format!("{start} DENIED (ingress of shop/db; egress ALLOWED) (TCP Flags: SYN)\n"),
        ),
        (
            &denied,
            &[names],
            format!(
                "{start} DENIED BY shop/db (CiliumNetworkPolicy) (ingress of shop/db; egress ALLOWED) \
                 (TCP Flags: SYN)\n"
            ),
        ),
        (
            &denied,
            &["-o", "dict", "--print-node-name"],
            "  TIMESTAMP: Nov 22 10:00:00.002\n       NODE: default/a, default/b\n     SOURCE: shop/web:40000\n\
             DESTINATION: shop/db:5432\n       TYPE: policy-verdict:L3-L4 EGRESS+INGRESS\n    \
             VERDICT: DENIED (ingress of shop/db; egress ALLOWED)\n    SUMMARY: TCP Flags: SYN\n"
                .to_owned(),
        ),
        (
            &allowed,
            &["-o", "table"],
            "TIMESTAMP             SOURCE           DESTINATION    TYPE                                  \
             VERDICT               SUMMARY\n\
             Nov 22 10:00:00.002   shop/web:40000   shop/db:5432   policy-verdict:L3-L4 EGRESS+INGRESS   \
             ALLOWED (both ends)   TCP Flags: SYN\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(fed(flags, lines), expected, "{flags:?}");
    }
}

#[test]
fn json_has_both_flows_and_reads_back() {
    let lines = [
        verdict("egress", 1, "FORWARDED", "web"),
        verdict("ingress", 2, "DROPPED", ""),
    ];
    let json = fed(&["-o", "json"], &lines);
    let [egress, ingress] = lines.clone().map(|line| {
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        value
    });
    let read: serde_json::Value = serde_json::from_str(&json).expect("one line of JSON");
    // Defaults are left out.
    let mut ingress_flow = ingress["flow"].clone();
    ingress_flow
        .as_object_mut()
        .expect("an object")
        .remove("policy_match_type");
    assert_eq!(read["flow"], ingress_flow);
    assert_eq!(read["node_name"], "default/b");
    let tycho = &read["tycho"];
    assert_eq!(tycho["rule"], 2);
    let other = &tycho["other_end"];
    assert_eq!(other["flow"], egress["flow"]);
    assert_eq!(other["tycho"], egress["tycho"]);
    assert_eq!(
        (&other["node_name"], &other["time"]),
        (&egress["node_name"], &egress["time"])
    );
    assert_eq!(other["decided_by"], "INGRESS");
    // A file of such lines shows the same as the lines themselves, with the flag and without.
    let folded = fed(&[], &lines);
    assert_eq!(fed(&[], std::slice::from_ref(&json)), folded);
    let run = tycho_fed(&["observe", "--input-file", "-"], &json);
    assert_eq!(run.stdout, folded);
}

fn flow(line: &str) -> GetFlowsResponse {
    use prost_reflect::DynamicMessage;
    let descriptor = proto::descriptor_pool()
        .get_message_by_name("tycho.v1.GetFlowsResponse")
        .expect("of the contract");
    let mut json = serde_json::Deserializer::from_str(line);
    let message = DynamicMessage::deserialize(descriptor, &mut json).expect("a response");
    use prost::Message as _;
    GetFlowsResponse::decode(message.encode_to_vec().as_slice()).expect("the numbers are the same")
}

#[test]
fn a_stream_that_stays_open_shows_a_lonely_verdict_all_the_same() {
    let pair = ["FORWARDED", "DROPPED"].map(|said| said.to_owned());
    let lines = [
        verdict("egress", 1, &pair[0], ""),
        verdict("ingress", 2, &pair[1], "db"),
        verdict("egress", 3, &pair[0], ""),
    ];
    let plan = Plan {
        flows: lines.iter().map(|line| flow(line)).collect(),
        stays_open: true,
        ..Default::default()
    };
    let server = Fake::start(plan, None);
    let mut child = command()
        .args(["observe", "-f", "--dedup", "--server", &server.address])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tycho starts");
    let stdout = child.stdout.take().expect("it is piped");
    let (tell, told) = std::sync::mpsc::sync_channel(2);
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().take(2) {
            tell.send(line.expect("a line")).ok();
        }
    });
    // The limit only keeps a broken build from waiting for ever.
    let shown: Vec<String> = std::iter::from_fn(|| told.recv_timeout(Duration::from_secs(60)).ok())
        .take(2)
        .collect();
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
    assert!(
        shown[0].contains("EGRESS+INGRESS DENIED (ingress of shop/db; egress ALLOWED)"),
        "{shown:?}"
    );
    assert!(
        shown[1].contains("policy-verdict:none EGRESS ALLOWED"),
        "{shown:?}"
    );
}

#[test]
fn a_mask_must_have_what_it_goes_by() {
    let run = tycho(&[
        "observe",
        "--dedup",
        "-o",
        "json",
        "--field-mask",
        "IP,l4,verdict",
    ]);
    assert_eq!(
        (run.stderr.as_str(), run.code),
        (
            "error: --dedup needs more fields than --field-mask asks for; add event_type,traffic_direction,\
             policy_match_type,is_reply,source.identity,destination.identity,node_name\n",
            1
        )
    );
}
