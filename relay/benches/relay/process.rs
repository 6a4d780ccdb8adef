//! The processes of a bench: started from this program, ended with it, and what the kernel says of them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that serves until its standard input ends.
pub(crate) struct Process {
    child: Child,
    /// The ports that it has printed.
    pub(crate) ports: Vec<u16>,
}

impl Process {
    /// Starts this program in a role; it prints its ports in one line once it serves.
    pub(crate) fn start(role: &str, arguments: &[String]) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .arg(role)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it prints its ports");
        let ports = line
            .split_whitespace()
            .map(|port| port.parse().expect("a port"));
        Self {
            ports: ports.collect(),
            child,
        }
    }

    /// Processor time so far, of all threads, by user and by the kernel for it (proc(5): utime and stime).
    pub(crate) fn processor_time(&self) -> Duration {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it lives");
        let after_name = stat.rsplit(')').next().expect("the name is in brackets");
        let fields: Vec<u64> = after_name
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        // Ticks of 10 ms; the state is the first field behind the name.
        Duration::from_millis((fields[11] + fields[12]) * 10)
    }

    /// Resident memory without what is shared with files.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let statm =
            std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).expect("it lives");
        let pages: Vec<u64> = statm
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        (pages[1] - pages[2]) * 4_096
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends when its input does");
    }
}

/// Says which ports are served, and waits for the end of the input.
pub(crate) fn serve_until_end(ports: &[u16]) {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    println!("{}", ports.join(" "));
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).expect("the input can be read");
}
