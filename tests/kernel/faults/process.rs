//! A `tycho` that serves, inside a network namespace, and what it uses.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};

use lab::Namespace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::binary::command;

use super::rounds::until;

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) sockets: usize,
    pub(super) threads: usize,
    pub(super) rss_kib: u64,
}

/// The process. Dropping it kills it.
pub(super) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it logs is appended to the file.
    pub(super) fn start(namespace: &Namespace, arguments: &[String], log: &Path) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let mut command = command();
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(file.expect("a log file"));
        // A child is born in the namespace of the thread that makes it.
        let child = namespace.run(move || command.spawn()).expect("entered");
        Self {
            child: child.expect("tycho starts"),
            log: log.to_owned(),
        }
    }

    /// Fails if it has ended.
    #[track_caller]
    pub(super) fn assert_runs(&mut self) {
        if let Some(status) = self.child.try_wait().expect("it is ours") {
            panic!("it ended with {status}: {}", self.log());
        }
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// `kill -9`.
    pub(super) fn kill(mut self) {
        self.assert_runs();
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is ours");
    }

    /// SIGTERM, and how it ends.
    pub(super) fn terminate(mut self) -> ExitStatus {
        self.assert_runs();
        let pid = i32::try_from(self.child.id()).expect("a process number");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it runs");
        until(|| {
            let ended = self.child.try_wait().expect("it is ours");
            ended.ok_or("the process does not end".to_owned())
        })
    }

    pub(super) fn usage(&self) -> Usage {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let descriptors = fs::read_dir(process.join("fd")).expect("it runs");
        let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let is_socket = |link: &PathBuf| link.to_string_lossy().starts_with("socket:");
        let status = fs::read_to_string(process.join("status")).expect("it runs");
        let number = |field: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.expect("a field").parse().expect("a number")
        };
        Usage {
            sockets: links.filter(is_socket).count(),
            threads: usize::try_from(number("Threads:")).expect("few"),
            rss_kib: number("VmRSS:"),
        }
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "a failed test shows why")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}---", self.log.display(), self.log());
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
