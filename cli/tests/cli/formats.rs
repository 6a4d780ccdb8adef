//! Output formats, byte for byte as Hubble's CLI 1.19.4 prints the same responses.

use crate::binary::{fixture, text, tycho, tycho_fed};

fn check(input: &str, flags: &[&str], expected: &str) {
    let input = fixture(input);
    let input = input.to_str().expect("the path is text");
    let mut arguments = vec!["observe", "--input-file", input];
    arguments.extend(flags);
    let run = tycho(&arguments);
    let expected = text(expected);
    for (line, (got, wanted)) in run.stdout.lines().zip(expected.lines()).enumerate() {
        assert_eq!(got, wanted, "line {} with {flags:?}", line + 1);
    }
    assert_eq!(run.stdout, expected, "{flags:?}");
    assert_eq!(run.code, 0);
}

#[test]
fn flows() {
    check("flows.jsonl", &[], "flows.compact.txt");
    check("flows.jsonl", &["--numeric"], "flows.compact.numeric.txt");
    check(
        "flows.jsonl",
        &["--ip-translation=false"],
        "flows.compact.numeric.txt",
    );
    check(
        "flows.jsonl",
        &["--print-node-name"],
        "flows.compact.nodename.txt",
    );
    check(
        "flows.jsonl",
        &["--time-format", "rfc3339nano"],
        "flows.compact.rfc3339nano.txt",
    );
    check("flows.jsonl", &["-o", "dict"], "flows.dict.txt");
    check("flows.jsonl", &["-o", "table"], "flows.table.txt");
    check("flows.jsonl", &["-o", "jsonpb"], "flows.jsonpb.txt");
    check("flows.jsonl", &["-o", "json"], "flows.jsonpb.txt");
}

#[test]
fn lost_events() {
    check("events.jsonl", &[], "events.compact.txt");
    check("events.jsonl", &["-o", "dict"], "events.dict.txt");
    check("events.jsonl", &["-o", "json"], "events.jsonpb.txt");
}

#[test]
fn nodes_in_trouble_go_to_standard_error() {
    let input = text("events.jsonl");
    let run = tycho_fed(&["observe", "--input-file", "-"], &input);
    assert_eq!(
        run.stderr,
        "Nov 22 10:00:00.123 [relay-0]: 1 nodes are unavailable: default/node-c\n\
         Nov 22 10:00:01.123 [relay-0]: Error \"context deadline exceeded\" on 10 nodes: \
         default/node-00, default/node-01 (and 8 more)\n\
         Nov 22 10:00:01.123 [relay-0]: 1 nodes removed from cluster: default/node-d\n"
    );
    let run = tycho_fed(&["observe", "-s", "--input-file", "-"], &input);
    assert_eq!(run.stderr, "");
}

#[test]
fn every_state_of_a_node_in_every_format() {
    let event = |state: &str, more: &str| {
        format!(
            r#"{{"node_status":{{"state_change":"{state}","node_names":["default/b"]{more}}},"node_name":"relay","time":"2025-11-22T10:00:01Z"}}"#
        )
    };
    let error = event("NODE_ERROR", r#","message":"it\u001b \"broke\"""#);
    for (events, format, expected) in [
        (&[event("NODE_CONNECTED", "")][..], "compact", ""),
        (&[event("UNKNOWN_NODE_STATE", "")], "compact", ""),
        (
            &[event("NODE_UNAVAILABLE", "")],
            "table",
            "Nov 22 10:00:01.000 [relay]: 1 nodes are unavailable: default/b\n",
        ),
        (
            &[event("NODE_GONE", ""), event("NODE_CONNECTED", "")],
            "compact",
            "Nov 22 10:00:01.000 [relay]: 1 nodes removed from cluster: default/b\n\
             Nov 22 10:00:01.000 [relay]: Receiving flows from 1 nodes: default/b\n",
        ),
        (
            std::slice::from_ref(&error),
            "compact",
            "Nov 22 10:00:01.000 [relay]: Error \"it\\u{1b} \\\"broke\\\"\" on 1 nodes: default/b\n",
        ),
        (
            &[event("NODE_UNAVAILABLE", ""), error.clone()],
            "dict",
            "  TIMESTAMP: Nov 22 10:00:01.000\n      STATE: NODE_UNAVAILABLE\n      NODES: default/b\n    \
             MESSAGE: N/A\n------------\n  TIMESTAMP: Nov 22 10:00:01.000\n      STATE: NODE_ERROR\n      \
             NODES: default/b\n    MESSAGE: \"it\\u{1b} \\\"broke\\\"\"\n",
        ),
        (
            &[event("NODE_GONE", "")],
            "json",
            &format!("{}\n", event("NODE_GONE", "")),
        ),
    ] {
        let arguments = ["observe", "--input-file", "-", "-o", format];
        let run = tycho_fed(&arguments, &events.join("\n"));
        assert_eq!(
            (run.stderr.as_str(), run.stdout.as_str(), run.code),
            (expected, "", 0)
        );
    }
}

#[test]
fn a_file_is_cut_by_number_and_time() {
    let input = text("flows.jsonl");
    let all: Vec<String> = text("flows.compact.txt")
        .lines()
        .map(str::to_owned)
        .collect();
    for (flags, expected) in [
        (&["--last", "2"][..], &all[29..]),
        (&["--first", "2"], &all[..2]),
        (&["--all"], &all[..]),
        (&["--since", "2025-11-22T10:00:29Z"], &all[29..]),
        (&["--until", "2025-11-22T10:00:02Z"], &all[..2]),
        (
            &[
                "--since",
                "2025-11-22T10:00:01.123456789Z",
                "--until",
                "2025-11-22T10:00:01.123456789Z",
            ],
            &all[1..2],
        ),
    ] {
        let mut arguments = vec!["observe", "--input-file", "-"];
        arguments.extend(flags);
        let run = tycho_fed(&arguments, &input);
        assert_eq!(
            run.stdout.lines().collect::<Vec<_>>(),
            expected,
            "{flags:?}"
        );
    }
}

#[test]
fn policy_names() {
    let input = text("flows.jsonl");
    let run = tycho_fed(
        &["observe", "--print-policy-names", "--input-file", "-"],
        &input,
    );
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(
        lines[6].ends_with("INGRESS DENIED BY shop/deny-db (CiliumNetworkPolicy) (TCP Flags: SYN)"),
        "{}",
        lines[6]
    );
    assert!(
        lines[7].contains(
            "EGRESS ALLOWED BY shop/allow-backend (NetworkPolicy), cluster-dns (CiliumClusterwideNetworkPolicy) ("
        ),
        "{}",
        lines[7]
    );
}

#[test]
fn details_of_tycho_are_the_last_key() {
    let line = r#"{"flow":{"verdict":"DROPPED"},"node_name":"default/a","tycho":{"packets":"3","rule":7}}"#;
    let run = tycho_fed(&["observe", "-o", "json", "--input-file", "-"], line);
    assert_eq!(run.stdout, format!("{line}\n"));
}

#[test]
fn text_from_the_network_cannot_steer_the_terminal() {
    let line = r#"{"flow":{"IP":{"source":"10.0.0.1","destination":"10.0.0.2"},"source":{"pod_name":"a\u001b[2J"},"Summary":"x\r\ny","node_name":"n\u001b"},"time":"2025-11-22T10:00:00Z"}"#;
    for format in ["compact", "dict", "table"] {
        let run = tycho_fed(
            &[
                "observe",
                "--print-node-name",
                "-o",
                format,
                "--input-file",
                "-",
            ],
            line,
        );
        assert!(
            !run.stdout.contains(['\u{1b}', '\r']),
            "{format}: {:?}",
            run.stdout
        );
        assert!(run.stdout.contains("a^[[2J"), "{format}: {:?}", run.stdout);
        assert!(
            run.stdout.contains("x\\r\\ny"),
            "{format}: {:?}",
            run.stdout
        );
    }
}

#[test]
fn colour_only_where_asked_for() {
    let input = text("flows.jsonl");
    for (when, coloured) in [("auto", false), ("never", false), ("always", true)] {
        let run = tycho_fed(&["observe", "--color", when, "--input-file", "-"], &input);
        assert_eq!(
            run.stdout.contains("\u{1b}[31mDROPPED\u{1b}[0m"),
            coloured,
            "{when}"
        );
    }
    let run = tycho_fed(
        &[
            "observe",
            "--color",
            "always",
            "-o",
            "table",
            "--input-file",
            "-",
        ],
        &input,
    );
    assert_eq!(run.stdout, text("flows.table.txt"));
}
