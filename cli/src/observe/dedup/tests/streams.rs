//! What `--dedup` may never do with any stream.

use std::collections::BTreeSet;
use std::time::Duration;

use proto::flow::{Flow, Verdict};
use proto::tycho::v1::GetFlowsResponse;
use proto::tycho::v1::get_flows_response::ResponseTypes;
use tokio::time::Instant;

use super::super::Dedup;
use super::response;

/// Each flow by its line, those inside others included; with whether it is hidden inside one.
fn contents(response: &GetFlowsResponse) -> Vec<(String, Verdict, bool)> {
    let line = |flow: &Flow, inside| (flow.uuid.clone(), flow.verdict(), inside);
    let mut found = Vec::new();
    if let Some(ResponseTypes::Flow(flow)) = &response.response_types {
        found.push(line(flow, false));
    }
    let other = response
        .tycho
        .as_ref()
        .and_then(|tycho| tycho.other_end.as_ref());
    found.extend(
        other
            .and_then(|other| other.flow.as_ref())
            .map(|flow| line(flow, true)),
    );
    found
}

#[test]
fn nothing_is_lost_nothing_dropped_is_hidden_and_time_goes_on() {
    // A generator of its own: the same streams each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut folded = 0;
    for _ in 0..300 {
        let mut lines = Vec::new();
        let mut time = 0;
        for number in 0..60 {
            time += random(120);
            let pick = |choices: &[&'static str], at: u64| choices[at as usize];
            let connection = pick(
                &["web>db:1", "web>db:2", "db>web:1", "web>db", "web>out:1"],
                random(5),
            );
            let end = pick(&["egress", "ingress"], random(2));
            let verdict = pick(
                &["", "", "rule", "denied", "audited", "trace", "drop"],
                random(7),
            );
            lines.push(format!("{time} {connection} {end} {verdict} #{number}"));
        }
        let now = Instant::now();
        let mut dedup = Dedup::default();
        let mut out = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let now = now + Duration::from_millis(number as u64 * random(30));
            dedup.push(response(line), now);
            out.extend(std::iter::from_fn(|| dedup.pop(now)));
        }
        out.extend(std::iter::from_fn(|| dedup.pop_at_end()));
        assert!(dedup.waiting.is_empty() && dedup.queue.is_empty());

        let times: Vec<_> = out
            .iter()
            .map(|response| response.time.map(|time| (time.seconds, time.nanos)))
            .collect();
        assert!(times.is_sorted(), "{lines:#?}");
        let contents: Vec<_> = out.iter().flat_map(contents).collect();
        let all: BTreeSet<&str> = contents.iter().map(|(line, ..)| line.as_str()).collect();
        assert_eq!((contents.len(), all.len()), (lines.len(), lines.len()));
        for (line, verdict, inside) in &contents {
            assert!(
                !(*inside && *verdict == Verdict::Dropped),
                "{line} is hidden in\n{lines:#?}"
            );
            folded += usize::from(*inside);
        }
    }
    assert!(folded > 500, "{folded}");
}
