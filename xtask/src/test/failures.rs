//! What failed tests said: told again at the end, where who reads a long log looks first.

use std::collections::VecDeque;
use std::fmt;

/// Lines of one test. What it failed with comes first, what its processes had logged ends with the reason.
const FIRST_LINES: usize = 24;
const LAST_LINES: usize = 12;

/// Characters of one line.
const WIDTH: usize = 400;

/// What one test said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: usize,
}

/// What each failed test said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    told: Vec<Said>,
    /// Lines that come now are of the last one.
    is_open: bool,
}

impl Failures {
    /// Takes in the next line of a test program's output.
    pub(super) fn read(&mut self, line: &str) {
        if begins(line) {
            self.told.push(Said::default());
            self.is_open = true;
        } else if ends(line) {
            self.is_open = false;
        }
        if let Some(said) = self.told.last_mut().filter(|_| self.is_open) {
            said.add(line);
        }
    }

    /// Adds those of another program.
    pub(super) fn extend(&mut self, other: Self) {
        self.told.extend(other.told);
    }
}

impl Said {
    fn add(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let line = line.chars().take(WIDTH).collect();
        if self.first.len() < FIRST_LINES {
            self.first.push(line);
            return;
        }
        self.last.push_back(line);
        if self.last.len() > LAST_LINES {
            self.last.pop_front();
            self.left_out += 1;
        }
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for said in &self.told {
            for line in &said.first {
                writeln!(formatter, "{line}")?;
            }
            if said.left_out > 0 {
                writeln!(formatter, "… {} lines …", said.left_out)?;
            }
            for line in &said.last {
                writeln!(formatter, "{line}")?;
            }
            writeln!(formatter)?;
        }
        Ok(())
    }
}

/// `---- module::test stdout ----` in Rust, ` FAIL  file > test` in TypeScript.
fn begins(line: &str) -> bool {
    (line.starts_with("---- ") && line.ends_with(" stdout ----")) || line.starts_with(" FAIL  ")
}

/// The list of names after the last, in Rust; a rule after each, in TypeScript.
fn ends(line: &str) -> bool {
    line == "failures:" || line.starts_with("test result: ") || line.starts_with("⎯⎯")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str) -> String {
        let mut failures = Failures::default();
        for line in output.lines() {
            failures.read(line);
        }
        failures.to_string()
    }

    #[test]
    fn each_failed_test_of_rust_is_told() {
        let output = "running 3 tests\ntest a ... FAILED\ntest b ... ok\n\nfailures:\n\n---- a stdout ----\nthread 'a' \
                      panicked at x.rs:1:2:\nno\n\n---- c stdout ----\nalso no\n\nfailures:\n    a\n    c\n\ntest \
                      result: FAILED. 1 passed; 2 failed";
        assert_eq!(
            told(output),
            "---- a stdout ----\nthread 'a' panicked at x.rs:1:2:\nno\n\n---- c stdout ----\nalso no\n\n"
        );
        assert_eq!(told("running 1 test\ntest a ... ok\n"), "");
    }

    #[test]
    fn each_failed_test_of_typescript_is_told() {
        let output = " ✓ src/a.test.ts (2 tests)\n⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯\n\n FAIL  src/b.test.ts > \
                      sums\nAssertionError: expected 2 to be 3\n⎯⎯⎯⎯[1/1]⎯\n\n Test Files  1 failed (2)";
        assert_eq!(
            told(output),
            " FAIL  src/b.test.ts > sums\nAssertionError: expected 2 to be 3\n\n"
        );
    }

    #[test]
    fn of_a_long_one_the_begin_and_the_end_are_told() {
        let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
        let told = told(&format!("---- a stdout ----\n{}", lines.join("\n")));
        assert!(told.starts_with("---- a stdout ----\nline 0\n"), "{told}");
        assert!(
            told.contains("\nline 22\n… 65 lines …\nline 88\n"),
            "{told}"
        );
        assert!(told.ends_with("\nline 99\n\n"), "{told}");
    }
}
