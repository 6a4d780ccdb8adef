//! What a fuzz target's run came to, read from its log.

use std::fmt;
use std::path::Path;
use std::process::ExitStatus;

/// Lines of a panic that are shown.
const LINES_SHOWN: usize = 12;

/// One run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report {
    name: String,
    executions: u64,
    edges: u64,
    inputs_kept: u64,
    failure: Option<Failure>,
}

#[derive(Debug, PartialEq, Eq)]
struct Failure {
    what: String,
    /// The input that failed, if the program could write it.
    input: Option<String>,
    log: String,
}

impl Report {
    /// Reads the log of a run that ended with `status`.
    pub(super) fn new(name: &str, status: ExitStatus, text: &str, log: &Path) -> Self {
        // `#1234 DONE cov: 567 ft: 890 corp: 12/3456b …`
        let last = text
            .lines()
            .rfind(|line| line.starts_with('#') && line.contains(" cov: "))
            .unwrap_or_default();
        let executions = text
            .lines()
            .rev()
            .filter_map(|line| line.strip_prefix('#'))
            .find(|line| line.starts_with(|digit: char| digit.is_ascii_digit()))
            .map_or(0, leading_number);
        Self {
            name: name.to_owned(),
            executions,
            edges: number_after(last, " cov: "),
            inputs_kept: number_after(last, " corp: "),
            failure: (!status.success()).then(|| Failure {
                what: told(text).unwrap_or_else(|| status.to_string()),
                input: text
                    .lines()
                    .find_map(|line| line.split_once("Test unit written to "))
                    .map(|(_, input)| input.trim().to_owned()),
                log: log.display().to_string(),
            }),
        }
    }

    /// Whether the target found something, or did not run.
    pub(super) fn failed(&self) -> bool {
        self.failure.is_some()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            executions,
            edges,
            inputs_kept,
            failure,
        } = self;
        write!(out, "{executions:10} {edges:8} {inputs_kept:12}  {name}")?;
        let Some(Failure { what, input, log }) = failure else {
            return Ok(());
        };
        write!(out, "  FAILED\n{what}\n  log:       {log}")?;
        if let Some(input) = input {
            write!(out, "\n  input:     {input}")?;
            write!(
                out,
                "\n  reproduce: cargo xtask fuzz {name} --input {input}"
            )?;
            write!(
                out,
                "\n  once it is fixed, keep the input in fuzz/seeds/{name}"
            )?;
        }
        Ok(())
    }
}

/// The panic's lines, else what libFuzzer says.
fn told(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let from_panic = lines.iter().position(|line| line.contains("panicked at "));
    if let Some(start) = from_panic {
        let rest = lines[start..].iter();
        let shown = rest.take_while(|line| !line.starts_with("note: ") && !line.starts_with("=="));
        let shown: Vec<&str> = shown.take(LINES_SHOWN).copied().collect();
        return Some(shown.join("\n"));
    }
    let error = lines.iter().find(|line| line.contains("ERROR: "))?;
    Some((*error).to_owned())
}

fn number_after(line: &str, word: &str) -> u64 {
    line.split_once(word)
        .map_or(0, |(_, rest)| leading_number(rest))
}

fn leading_number(text: &str) -> u64 {
    let digits = text.len()
        - text
            .trim_start_matches(|digit: char| digit.is_ascii_digit())
            .len();
    text[..digits].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const GOOD: &str = "INFO: seed corpus: files: 2\n#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 26Mb\n\
        #99\tNEW    cov: 7 ft: 9 corp: 3/12b lim: 4 exec/s: 0\n#1234567\tDONE   cov: 8 ft: 10 corp: 4/13b lim: 4\n\
        ###### Recommended dictionary. ######\nDone 1234567 runs in 61 second(s)\n";
    const PANIC: &str = "#8\tNEW    cov: 7 ft: 9 corp: 3/12b lim: 4\n\
        thread '<unnamed>' (7) panicked at targets/records/main.rs:9:9:\nassertion failed\nnote: run with\n\
        ==7== ERROR: libFuzzer: deadly signal\nartifact_prefix='f/'; Test unit written to f/crash-1\n";
    const SLOW: &str = "#8\tNEW    cov: 7 ft: 9 corp: 3/12b\n==7== ERROR: libFuzzer: timeout after 20 seconds\n\
        artifact_prefix='f/'; Test unit written to f/timeout-1\n";

    #[test]
    fn a_run_is_told_with_what_it_found() {
        let check = |status: i32, text: &str, expect: &str| {
            let status = ExitStatus::from_raw(status << 8);
            let report = Report::new("records", status, text, Path::new("r.log"));
            assert_eq!(report.failed(), !status.success());
            assert_eq!(report.to_string(), expect);
        };
        check(0, GOOD, "   1234567        8            4  records");
        let steps = |what: &str, input: &str| {
            format!(
                "         8        7            3  records  FAILED\n{what}\n  log:       r.log\n  input:     {input}\n  \
                 reproduce: cargo xtask fuzz records --input {input}\n  \
                 once it is fixed, keep the input in fuzz/seeds/records"
            )
        };
        let what =
            "thread '<unnamed>' (7) panicked at targets/records/main.rs:9:9:\nassertion failed";
        check(77, PANIC, &steps(what, "f/crash-1"));
        let what = "==7== ERROR: libFuzzer: timeout after 20 seconds";
        check(70, SLOW, &steps(what, "f/timeout-1"));
        let none =
            "         0        0            0  records  FAILED\nexit status: 1\n  log:       r.log";
        check(1, "", none);
    }
}
