//! A demo that runs while a row is measured: real programs, observers, relay and traffic.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::binary;

/// Ends when it is dropped.
pub(crate) struct Demo {
    child: Child,
    /// Where its relay serves the page.
    pub(crate) page: String,
}

impl Demo {
    /// Starts it; all of its nodes are connected.
    pub(crate) fn start() -> Self {
        let mut child = binary::command()
            .args(["demo", "--quiet"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("tycho starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let page = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, page) = line.split_once("In a browser: ")?;
            Some(page.to_owned())
        });
        let page = page.expect("the demo serves a page: run it by hand to see why it does not");
        // It says more, which must have somewhere to go.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, page }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let number = i32::try_from(self.child.id()).expect("a process number");
        kill(Pid::from_raw(number), Signal::SIGTERM).ok();
        self.child.wait().expect("it is our child");
    }
}
