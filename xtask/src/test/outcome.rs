//! How many tests passed and failed, and what the failed ones said: read from what the test programs print, while it is
//! shown.

use std::fmt;
use std::ops::AddAssign;
use std::process::Command;

use super::failures::Failures;
use crate::stages;

/// Sums over test programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    passed: u64,
    failed: u64,
    failures: Failures,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            failures,
        } = self;
        write!(formatter, "{failures}{passed} passed, {failed} failed")
    }
}

/// Runs a test program, shows its output and reads the sums. The inner error says that it failed.
pub(super) fn watch(command: &mut Command) -> anyhow::Result<(Outcome, anyhow::Result<()>)> {
    let mut outcome = Outcome::default();
    let result = stages::watch(command, |line| {
        outcome += closing_line(line).unwrap_or_default();
        outcome.failures.read(line);
    })?;
    if result.is_err() {
        // A program that died has no closing line; it counts as one failure.
        outcome.failed = outcome.failed.max(1);
    }
    Ok((outcome, result))
}

/// What ends a test program: `test result: ok. 3 passed; 1 failed; 0 ignored; …` in Rust, `Tests  1 failed | 3 passed (4)`
/// in TypeScript.
fn closing_line(line: &str) -> Option<Outcome> {
    if let Some(counts) = line.trim_start().strip_prefix("Tests  ") {
        return closing_counts(counts);
    }
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what)?.trim_end().parse().ok())
    };
    Some(Outcome {
        passed: count("passed")?,
        failed: count("failed")?,
        ..Outcome::default()
    })
}

/// `1 failed | 3 passed (4)`, of which vitest leaves out what is zero.
fn closing_counts(counts: &str) -> Option<Outcome> {
    let (counts, _) = counts.split_once(" (")?;
    let mut outcome = Outcome::default();
    for count in counts.split(" | ") {
        let (number, what) = count.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match what {
            "passed" => outcome.passed = number,
            // A test that is skipped has not shown anything.
            "failed" | "skipped" | "todo" => outcome.failed += number,
            _ => return None,
        }
    }
    Some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        let check = |line: &str, expect: Option<(u64, u64)>| {
            assert_eq!(
                closing_line(line).map(|outcome| (outcome.passed, outcome.failed)),
                expect,
                "{line}"
            );
        };
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            Some((12, 0)),
        );
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            Some((3, 2)),
        );
        check("      Tests  12 passed (12)", Some((12, 0)));
        check("      Tests  1 failed | 3 passed (4)", Some((3, 1)));
        check(
            "      Tests  2 failed | 3 passed | 1 skipped (6)",
            Some((3, 3)),
        );
        check("      Tests  no tests", None);
        check(" Test Files  2 passed (2)", None);
        check("test parser::result ... ok", None);
        check("test result: nonsense", None);
    }

    #[test]
    fn sums_add_up_and_a_crash_counts() {
        let mut total = Outcome::default();
        for (script, expect) in [
            (
                "echo 'test result: ok. 2 passed; 0 failed; 0 ignored'",
                "2 passed, 0 failed",
            ),
            (
                "echo 'test result: FAILED. 1 passed; 3 failed; 0 ignored'; exit 101",
                "3 passed, 3 failed",
            ),
            ("kill -9 $$", "3 passed, 4 failed"),
        ] {
            let (outcome, _) = watch(Command::new("/bin/sh").args(["-c", script])).unwrap();
            total += outcome;
            assert_eq!(total.to_string(), expect);
        }
    }

    #[test]
    fn a_failing_program_is_an_error_even_if_it_printed_no_failure() {
        let (_, result) = watch(Command::new("/bin/sh").args(["-c", "exit 1"])).unwrap();
        assert_eq!(
            result.unwrap_err().to_string(),
            "sh -c exit 1: exit status: 1"
        );
    }
}
