//! `tycho observe` and `tycho status` against a server.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use prost_types::Timestamp;
use proto::flow::{Flow, Ip, Verdict};
use proto::observer::GetFlowsResponse;
use proto::observer::get_flows_response::ResponseTypes;

use crate::binary::{command, finish, tycho};
use crate::fake::{Fake, Plan};

pub(crate) fn flow(number: u8) -> GetFlowsResponse {
    let time = Some(Timestamp {
        seconds: 1_763_805_600 + i64::from(number),
        nanos: 0,
    });
    let flow = Flow {
        time,
        verdict: Verdict::Dropped.into(),
        ip: Some(Ip {
            source: format!("10.0.0.{number}"),
            destination: "10.0.0.2".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    GetFlowsResponse {
        response_types: Some(ResponseTypes::Flow(flow)),
        node_name: "default/node-a".to_owned(),
        time,
    }
}

pub(crate) const COMPACT: &str =
    "Nov 22 10:00:01.000: 10.0.0.1 (unknown) <> 10.0.0.2 (unknown) UNKNOWN DROPPED ()\n";
const JSON: &str = r#"{"flow":{"time":"2025-11-22T10:00:01Z","verdict":"DROPPED","IP":{"source":"10.0.0.1","destination":"10.0.0.2"}},"node_name":"default/node-a","time":"2025-11-22T10:00:01Z""#;

#[test]
fn text_asks_hubbles_service_for_what_it_prints() {
    let plan = Plan {
        flows: vec![flow(1)],
        is_tycho: true,
        ..Default::default()
    };
    let fake = Fake::start(plan, None);
    let run = tycho(&[
        "observe",
        "--server",
        &fake.address,
        "--from-label",
        "role=frontend",
    ]);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str(), run.code),
        (COMPACT, "", 0)
    );
    let [(service, request)] = &fake.requests()[..] else {
        panic!("one request: {:?}", fake.requests());
    };
    assert_eq!(*service, "observer.Observer");
    assert_eq!(
        (request.number, request.first, request.follow),
        (20, false, false)
    );
    assert_eq!(request.whitelist[0].source_label, ["role=frontend"]);
    let paths = &request.field_mask.as_ref().expect("a mask").paths;
    assert!(
        paths.iter().any(|path| path == "source.identity"),
        "{paths:?}"
    );
    assert!(
        !paths.iter().any(|path| path == "source.labels"),
        "{paths:?}"
    );

    tycho(&[
        "observe",
        "--server",
        &fake.address,
        "--use-default-field-masks=false",
        "--all",
    ]);
    let (_, request) = &fake.requests()[1];
    assert_eq!((request.number, &request.field_mask), (u64::MAX, &None));
}

#[test]
fn json_asks_tychos_service_for_details() {
    for (is_tycho, service, end) in [
        (
            true,
            "tycho.v1.Flows",
            ",\"tycho\":{\"packets\":\"3\",\"rule\":7}}\n",
        ),
        (false, "observer.Observer", "}\n"),
    ] {
        let plan = Plan {
            flows: vec![flow(1)],
            is_tycho,
            ..Default::default()
        };
        let fake = Fake::start(plan, None);
        let run = tycho(&["observe", "--server", &fake.address, "-o", "json"]);
        assert_eq!(
            (run.stdout, run.stderr.as_str()),
            (format!("{JSON}{end}"), "")
        );
        let (asked, request) = fake.requests().pop().expect("a request");
        assert_eq!((asked, request.field_mask), (service, None));
    }
}

#[test]
fn a_socket_and_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = Plan {
        flows: vec![flow(1)],
        ..Default::default()
    };
    let fake = Fake::start(plan, Some(folder.path().join("observer.sock")));
    for variable in ["TYCHO_SERVER", "HUBBLE_SERVER"] {
        let run = finish(command().arg("observe").env(variable, &fake.address));
        assert_eq!(
            (run.stdout.as_str(), run.code),
            (COMPACT, 0),
            "{variable}: {run:?}"
        );
    }
    let both = finish(
        command()
            .arg("observe")
            .env("TYCHO_SERVER", &fake.address)
            .env("HUBBLE_SERVER", "unix:///no/such.sock"),
    );
    assert_eq!(both.code, 0, "{both:?}");
}

#[test]
fn following_shows_a_flow_before_the_next_comes() {
    let plan = Plan {
        flows: vec![flow(1)],
        stays_open: true,
        ..Default::default()
    };
    let fake = Fake::start(plan, None);
    let mut child = command()
        .args(["observe", "--follow", "--server", &fake.address])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tycho starts");
    let stdout = child.stdout.take().expect("it is piped");
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        tell.send(line).ok();
    });
    // The limit only keeps a broken build from waiting for ever.
    let line = told.recv_timeout(Duration::from_secs(60));
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
    assert_eq!(line.as_deref(), Ok(COMPACT));
    assert_eq!(fake.requests()[0].1.number, 0);
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let plan = Plan {
        flows: (0..200).map(flow).cycle().take(20_000).collect(),
        ..Default::default()
    };
    let fake = Fake::start(plan, None);
    let mut child = command()
        .args(["observe", "--all", "--server", &fake.address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tycho starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    stdout.read_line(&mut String::new()).expect("a line");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn status() {
    let plan = Plan {
        is_tycho: true,
        ..Default::default()
    };
    let fake = Fake::start(plan, None);
    let run = tycho(&["status", "--server", &fake.address]);
    let server = format!(
        "Healthcheck (via {}): Ok\nCurrent/Max Flows: 4,095/8,190 (50.00%)\nFlows/s: 500.00\n\
         Warning: conntrack is 90 % full\n",
        fake.address
    );
    let ledger = "
Ledger of default/node-a since 2025-11-22T10:00:00Z (closed: every flow is accounted for)
STAGE     COUNT       MEANING
emitted   1,234,567   events the kernel wrote
stored    1,234,567   flows in the ring

KERNEL COUNTER   PACKETS   BYTES   MEANING
forwarded        12        3,456   packets let through

KERNEL MAP  ENTRIES  CAPACITY  FULL   WHEN IT IS FULL
conntrack   9,000    10,000    90.0%  who talks
";
    assert_eq!((run.stdout, run.code), (format!("{server}{ledger}"), 0));
    let run = tycho(&["status", "--verbose", "--server", &fake.address]);
    assert!(
        run.stdout
            .ends_with("policies    12       10,000    0.1%   who talks\n"),
        "{run:?}"
    );
    let run = tycho(&["status", "-o", "json", "--server", &fake.address]);
    assert!(
        run.stdout
            .starts_with(r#"{"health":"SERVING","server_status":{"num_flows":"4095","#)
            && run
                .stdout
                .contains(r#"},"ledger":{"node_name":"default/node-a","#),
        "{run:?}"
    );

    let hubble = Fake::start(Plan::default(), None);
    let run = tycho(&["status", "--server", &hubble.address]);
    assert!(run.stdout.ends_with("Flows/s: 500.00\n"), "{run:?}");
}
