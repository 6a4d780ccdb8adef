//! A running `tycho observer`, and what the other commands of `tycho` say of it.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use lab::Namespace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::binary::{Run, command, ended, finish};
use crate::site::Site;

/// Nothing takes that long.
const LONG: Duration = Duration::from_secs(30);

/// What a signal may take: an init system kills sooner or later.
const ENDING: Duration = Duration::from_secs(5);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The process. Dropping it kills it.
pub struct Agent {
    child: Child,
    server: String,
    log: PathBuf,
}

/// Where an observer has its files, by the names that [`Site`] gives them.
pub struct Home<'a> {
    /// The directory with `endpoints.yaml`, `policies` and all that it writes itself.
    pub directory: &'a Path,
    /// The pins.
    pub pins: &'a Path,
    /// The node's namespace.
    pub node: &'a Namespace,
    /// Whether it runs inside; otherwise it reaches in.
    pub inside: bool,
}

impl Agent {
    /// Starts one for a site, enforcing, and waits until it serves.
    pub fn start(site: &Site, arguments: &[&str]) -> Self {
        let home = Home {
            directory: &site.file(""),
            pins: &site.pins(),
            node: site.node.namespace(),
            inside: false,
        };
        Self::start_at(&home, arguments)
    }

    /// Starts one that has its files there, enforcing, and waits until it serves.
    pub fn start_at(home: &Home<'_>, arguments: &[&str]) -> Self {
        let file = |name: &str| home.directory.join(name);
        let log = file("observer.log");
        let server = format!("unix://{}", file("observer.sock").display());
        let appended = OpenOptions::new().create(true).append(true).open(&log);
        let mut command = command();
        command
            .args(["observer", "--mode", "enforce", "--listen", &server])
            .arg("--endpoints")
            .arg(file("endpoints.yaml"))
            .arg("--policies")
            .arg(file("policies"))
            .arg("--state")
            .arg(file("state"))
            .arg("--pins")
            .arg(home.pins)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(appended.expect("a log file"));
        let child = if home.inside {
            let spawned = home.node.run(|| command.spawn());
            spawned.expect("the namespace is there")
        } else {
            command.arg("--netns").arg(home.node.path()).spawn()
        };
        let mut agent = Self {
            child: child.expect("tycho starts"),
            server,
            log,
        };
        wait_for("the observer to serve", || {
            if let Some(status) = agent.child.try_wait().expect("it is ours") {
                panic!("the observer ended with {status}: {}", agent.log());
            }
            agent.ask(&["status"]).code == 0
        });
        agent
    }

    /// Where it serves.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Runs a command of `tycho` against it.
    pub fn ask(&self, arguments: &[&str]) -> Run {
        finish(command().args(arguments).args(["--server", &self.server]))
    }

    /// Runs a command against it that reads this from standard input.
    pub fn ask_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = command()
            .args(arguments)
            .args(["--server", &self.server])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tycho starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        ended(&child.wait_with_output().expect("it is ours"))
    }

    /// What a command prints with `-o json`, whatever its exit code is; it may not complain.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let run = self.ask(&[arguments, &["-o", "json"]].concat());
        assert_eq!(run.stderr, "", "{arguments:?}");
        parse(&run.stdout)
    }

    /// What `tycho observe -o json` prints.
    pub fn observe(&self, arguments: &[&str]) -> Vec<Value> {
        let arguments = [&["observe", "-o", "json"], arguments].concat();
        let printed = self.ask(&arguments).output();
        printed.lines().map(parse).collect()
    }

    /// The same, as soon as there is enough.
    pub fn observe_until(
        &self,
        arguments: &[&str],
        enough: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let mut responses = Vec::new();
        wait_for(&format!("flows of {arguments:?}"), || {
            responses = self.observe(arguments);
            enough(&responses)
        });
        responses
    }

    /// What `tycho status -o json` says.
    pub fn status(&self) -> Status {
        Status(parse(&self.ask(&["status", "-o", "json"]).output()))
    }

    /// The status once every event is accounted for and none comes any more.
    pub fn status_at_rest(&self) -> Status {
        let mut last = self.status();
        wait_for("the ledger to close at rest", || {
            std::thread::sleep(Duration::from_millis(300));
            let now = self.status();
            let rests = now.is_closed() && now.0["ledger"] == last.0["ledger"];
            last = now;
            rests
        });
        last
    }

    /// Starts `tycho observe --follow -o json`.
    pub fn follow(&self, arguments: &[&str]) -> Follower {
        let mut child = command()
            .args([
                "observe",
                "--follow",
                "-o",
                "json",
                "--server",
                &self.server,
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("tycho starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Follower { child, lines }
    }

    /// Everything that was logged, by earlier observers of the site too.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log file")
    }

    /// Waits for a line with all of these words.
    pub fn wait_for_log(&self, words: &[&str]) {
        wait_for(&format!("a line of log with {words:?}"), || {
            let log = self.log();
            let mut lines = log.lines();
            lines.any(|line| words.iter().all(|word| line.contains(word)))
        });
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        let status = self.child.wait().expect("it is ours");
        assert_eq!(status.code(), None, "{status} before it was killed");
    }

    /// SIGTERM; waits for the end, which must not take longer than five seconds.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = i32::try_from(self.child.id()).expect("a process number");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
        let mut ended = None;
        wait_within(ENDING, "the observer to end", || {
            ended = self.child.try_wait().expect("it is ours");
            ended.is_some()
        });
        ended.expect("it has ended")
    }
}

impl Drop for Agent {
    #[expect(clippy::print_stderr, reason = "a failed test shows why")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the observer\n{}---", self.log());
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A client that follows. Dropping it kills it.
pub struct Follower {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// The responses, until the stream has ended in order.
impl Iterator for Follower {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("text");
        if line.is_empty() {
            let status = self.child.wait().expect("it is ours");
            assert_eq!(status.code(), Some(0));
            return None;
        }
        Some(parse(&line))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The JSON of `tycho status`.
#[derive(Clone, Debug, PartialEq)]
pub struct Status(Value);

impl Status {
    /// Whether the ledger says of itself that it is closed.
    pub fn is_closed(&self) -> bool {
        self.0["ledger"]["closed"] == true
    }

    /// A stage of the ledger.
    pub fn stage(&self, stage: &str) -> u64 {
        let rows = self.0["ledger"]["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["stage"] == stage);
        number(&row.unwrap_or_else(|| panic!("no stage {stage}"))["count"])
    }

    /// Packets of a counter of the kernel; those that are 0 may be missing.
    pub fn counter(&self, name: &str) -> u64 {
        self.counters(|known| known == name)
    }

    /// Sum of the packets of all counters whose name fits.
    pub fn counters(&self, fits: impl Fn(&str) -> bool) -> u64 {
        let rows = self.0["ledger"]["kernel"].as_array().expect("rows");
        let rows = rows.iter();
        let fitting = rows.filter(|row| row["name"].as_str().is_some_and(&fits));
        fitting.map(|row| number(&row["packets"])).sum()
    }
}

/// A 64-bit number in JSON: a text, left out when 0.
pub fn number(value: &Value) -> u64 {
    let text = value.as_str();
    text.map_or(0, |text| text.parse().expect("a number"))
}

/// Looks until it is so.
#[track_caller]
pub fn wait_for(what: &str, is_so: impl FnMut() -> bool) {
    wait_within(LONG, what, is_so);
}

#[track_caller]
fn wait_within(time: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < time, "waited too long for {what}");
        std::thread::sleep(LOOK);
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}
