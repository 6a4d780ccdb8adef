//! `tycho observe --follow`: flows as they come, until the server ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use tests::binary::command;

use crate::replay::{Replay, recording};

const COMPACT: &str = include_str!("recording/compact.txt");

/// A client that is ended with the test.
struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn follow(replay: &Replay, arguments: &[&str]) -> Client {
    let child = command()
        .args(["observe", "--follow", "--server", &replay.server])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Client(child.expect("tycho starts"))
}

#[test]
fn what_was_there_then_what_comes_then_the_end() {
    let mut replay = Replay::empty();
    let records = recording();
    replay.feed(&records[..9]);
    let mut client = follow(&replay, &["--last", "1", "--verdict", "DROPPED"]);
    let mut printed = BufReader::new(client.0.stdout.take().expect("it is piped"));
    let mut line = String::new();
    printed.read_line(&mut line).expect("a line");
    let lines: Vec<&str> = COMPACT.lines().collect();
    assert_eq!(line.trim_end(), lines[8]);

    replay.feed(&records[9..12]);
    for expected in &lines[10..12] {
        line.clear();
        printed.read_line(&mut line).expect("a line");
        assert_eq!(line.trim_end(), *expected);
    }
    replay.end();
    let mut rest = String::new();
    printed.read_to_string(&mut rest).expect("text");
    let mut complaints = String::new();
    let errors = client.0.stderr.as_mut().expect("it is piped");
    errors.read_to_string(&mut complaints).expect("text");
    assert_eq!((rest.as_str(), complaints.as_str()), ("", ""));
    assert_eq!(client.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_time_that_is_over_ends_a_follow() {
    let replay = Replay::new();
    let mut client = follow(&replay, &["--since", "2m", "--until", "1m"]);
    let mut printed = String::new();
    let output = client.0.stdout.as_mut().expect("it is piped");
    output.read_to_string(&mut printed).expect("text");
    assert_eq!(printed, "", "the recording is younger");
    assert_eq!(client.0.wait().expect("it ends").code(), Some(0));
}
