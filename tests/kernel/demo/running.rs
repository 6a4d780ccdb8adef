//! Commands that go on while a test looks at what they print, the demo among them, and what a demo leaves on a machine.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::binary::command as tycho;

const POLL: Duration = Duration::from_millis(100);
/// A look that has not succeeded so often does not succeed.
const LOOKS: usize = 600;

/// What a stream has had so far.
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock().expect("no panic").push(line);
            }
        });
        Self(lines)
    }

    fn text(&self) -> String {
        self.0.lock().expect("no panic").join("\n")
    }

    /// Forgets what there was.
    pub(crate) fn clear(&self) {
        self.0.lock().expect("no panic").clear();
    }

    /// Waits for a line that has all of these in it, and gives it.
    pub(crate) fn wait_for(&self, parts: &[&str]) -> String {
        for _ in 0..LOOKS {
            let found = |line: &&String| parts.iter().all(|part| line.contains(part));
            if let Some(line) = self.0.lock().expect("no panic").iter().find(found) {
                return line.clone();
            }
            thread::sleep(POLL);
        }
        panic!("{parts:?} never came:\n{}", self.text());
    }
}

/// A command that goes on, until a test ends it or is over.
pub(crate) struct Running {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = tycho()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tycho starts");
        Self {
            stdout: Lines::of(child.stdout.take().expect("it is piped")),
            stderr: Lines::of(child.stderr.take().expect("it is piped")),
            child,
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process number")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it runs");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }

    fn is_over(&mut self) -> bool {
        let ended = self.child.try_wait().expect("it is our child");
        ended.is_some()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A demo that runs. There is one on a machine, and so one test of it at a time.
pub(crate) struct Demo {
    pub(crate) command: Running,
    _alone: File,
}

impl Demo {
    pub(crate) fn start(flags: &[&str]) -> Self {
        let path = std::env::temp_dir().join("tycho-demo-tests.lock");
        let alone = File::create(path).expect("a lock file");
        alone.lock().expect("a lock");
        Self {
            command: Self::command(flags),
            _alone: alone,
        }
    }

    /// Another demo after this one.
    pub(crate) fn start_again(&mut self, flags: &[&str]) {
        self.command = Self::command(flags);
    }

    fn command(flags: &[&str]) -> Running {
        Running::start(&[&["demo"], flags].concat())
    }

    /// Asks until there is an answer with this in it, as long as the demo runs.
    pub(crate) fn ask(&mut self, arguments: &[&str], part: &str) -> String {
        let mut last = None;
        for _ in 0..LOOKS {
            let Output {
                status,
                stdout,
                stderr,
            } = tycho().args(arguments).output().expect("tycho runs");
            let answer = text(&stdout);
            if status.success() && answer.contains(part) {
                return answer;
            }
            assert!(
                !self.command.is_over(),
                "the demo ended before {arguments:?} had {part:?}: {}",
                self.command.stderr.text()
            );
            last = Some(format!("{answer}{}", text(&stderr)));
            thread::sleep(POLL);
        }
        panic!("{arguments:?} never had {part:?}: {last:?}");
    }
}

impl Drop for Demo {
    /// A test that failed leaves it as it is.
    fn drop(&mut self) {
        tycho().args(["demo", "--down"]).output().ok();
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is text")
}

/// Runs a command that must succeed.
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let output = tycho().args(arguments).output().expect("tycho runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    text(&output.stdout)
}

/// Runs a command that must fail, and gives what it complains of.
pub(crate) fn fail(arguments: &[&str]) -> String {
    let output = tycho().args(arguments).output().expect("tycho runs");
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    text(&output.stderr)
}

/// Fails unless nothing of a demo is on the machine.
pub(crate) fn assert_nothing_is_left() {
    let namespaces = std::fs::read_dir("/run/netns").into_iter().flatten();
    let namespaces = namespaces
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.to_string_lossy().contains("/tycho-demo-"));
    let paths = [
        "/run/tycho/demo",
        "/run/tycho/demo.lock",
        "/sys/fs/bpf/tycho/demo-node-a",
        "/sys/fs/bpf/tycho/demo-node-b",
        "/sys/fs/bpf/tycho/demo-node-c",
    ];
    let paths = paths.map(PathBuf::from).into_iter();
    let left: Vec<PathBuf> = namespaces
        .chain(paths.filter(|path| Path::exists(path)))
        .chain(processes())
        .collect();
    assert_eq!(left, [] as [PathBuf; 0]);
}

/// Processes that have a path of the demo's on their command line.
pub(crate) fn processes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_of_demo = |path: &PathBuf| {
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("/run/tycho/demo/")
    };
    entries
        .map(|entry| entry.path())
        .filter(is_of_demo)
        .collect()
}
