//! Runs the `ip` and `tc` commands of iproute2, one command or a batch, and says what they said when they fail.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use thiserror::Error;

/// Why a link, an address, a route or a namespace could not be changed.
#[derive(Debug, Error)]
pub enum IpCommandError {
    /// The program did not start.
    #[error(
        "cannot start `{command}`; if the program is missing, install it: `apt-get install iproute2`"
    )]
    Start {
        /// What should have run.
        command: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pipe to or from the program broke.
    #[error("lost contact with `{command}` while it ran")]
    Pipe {
        /// What ran.
        command: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The program ran and refused.
    #[error("`{command}` failed: {stderr}{next_step}")]
    Refused {
        /// What ran; for a batch, the line that failed.
        command: String,
        /// What it wrote to its standard error, on one line.
        stderr: String,
        /// What to do about it, where that is known; starts with `; `.
        next_step: &'static str,
    },
}

/// Runs one `ip` command in the namespace of the calling thread.
pub(crate) fn run_ip(arguments: &[&str]) -> Result<(), IpCommandError> {
    run("ip", arguments)
}

/// Runs one `tc` command in the namespace of the calling thread.
pub(crate) fn run_tc(arguments: &[&str]) -> Result<(), IpCommandError> {
    run("tc", arguments)
}

fn run(program: &str, arguments: &[&str]) -> Result<(), IpCommandError> {
    let command = format!("{program} {}", arguments.join(" "));
    let output = match Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
    {
        Ok(output) => output,
        Err(source) => return Err(IpCommandError::Start { command, source }),
    };
    if output.status.success() {
        return Ok(());
    }
    Err(refused(command, &output.stderr))
}

/// Runs the lines as one `ip -batch` in the namespace of the calling thread; stops at the first
/// line that fails and names it.
pub(crate) fn run_ip_batch(lines: &[String]) -> Result<(), IpCommandError> {
    let command = "ip -batch -".to_owned();
    let mut child = match Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(source) => return Err(IpCommandError::Start { command, source }),
    };
    let script = lines.join("\n") + "\n";
    // A batch that stops early closes its end: its stderr says more than the broken pipe does.
    let written = match child.stdin.take() {
        Some(mut input) => input.write_all(script.as_bytes()),
        None => Ok(()),
    };
    let output = match child.wait_with_output() {
        Ok(output) => output,
        Err(source) => return Err(IpCommandError::Pipe { command, source }),
    };
    if !output.status.success() {
        let line = failed_line(&output.stderr).and_then(|number| lines.get(number - 1));
        let command = line.map_or(command, |line| format!("ip {line}"));
        return Err(refused(command, &output.stderr));
    }
    written.map_err(|source| IpCommandError::Pipe { command, source })
}

/// The 1-based number in `Command failed -:3`, the way `ip -batch` reports the line it stopped at.
fn failed_line(stderr: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(stderr);
    let (_, after) = text.rsplit_once("Command failed -:")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|number| *number > 0)
}

fn refused(command: String, stderr: &[u8]) -> IpCommandError {
    let text = String::from_utf8_lossy(stderr);
    let stderr = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Command failed -:"))
        .collect::<Vec<_>>()
        .join(", ");
    let next_step = next_step(&stderr);
    IpCommandError::Refused {
        command,
        stderr,
        next_step,
    }
}

fn next_step(stderr: &str) -> &'static str {
    let hints = [
        ("Operation not permitted", "; run as root"),
        ("Permission denied", "; run as root"),
        (
            "Unknown device type",
            "; load the kernel module for this kind of link (`modprobe veth bridge`)",
        ),
        (
            "Operation not supported",
            "; this kernel lacks a feature (veth, bridge or IPv6)",
        ),
        (
            "File exists",
            "; something of that name is left from an earlier run: sweep it first",
        ),
        (
            "qdisc kind is unknown",
            "; this kernel has no such queue (`modprobe sch_tbf`)",
        ),
        (
            "not found",
            "; install a recent iproute2: `apt-get install iproute2`",
        ),
    ];
    hints
        .iter()
        .find(|(part, _)| stderr.contains(part))
        .map_or("", |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::{failed_line, refused};

    #[test]
    fn the_failed_line_of_a_batch_is_found() {
        let cases: [(&str, Option<usize>); 5] = [
            (
                "RTNETLINK answers: File exists\nCommand failed -:3\n",
                Some(3),
            ),
            ("Command failed -:12", Some(12)),
            ("Command failed -:", None),
            ("Command failed -:0", None),
            ("", None),
        ];
        for (stderr, expected) in cases {
            assert_eq!(failed_line(stderr.as_bytes()), expected, "{stderr:?}");
        }
    }

    #[test]
    fn a_refusal_names_command_cause_and_next_step() {
        let cases = [
            (
                "RTNETLINK answers: File exists\nCommand failed -:3\n",
                "`ip link add x` failed: RTNETLINK answers: File exists; something of that name is \
                 left from an earlier run: sweep it first",
            ),
            (
                "RTNETLINK answers: Operation not permitted\n",
                "`ip link add x` failed: RTNETLINK answers: Operation not permitted; run as root",
            ),
            (
                "something else\n\n",
                "`ip link add x` failed: something else",
            ),
        ];
        for (stderr, expected) in cases {
            let error = refused("ip link add x".to_owned(), stderr.as_bytes());
            assert_eq!(error.to_string(), expected);
        }
    }
}
