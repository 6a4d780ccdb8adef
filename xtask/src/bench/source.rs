//! The benches that rows are measured by, and how each is run.

use std::process::Command;

use crate::repository::cargo;

/// A bench target of a package; it measures the rows that it is given by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) package: &'static str,
    pub(super) bench: &'static str,
    /// It prints a JSON object per figure; otherwise it is criterion's, and the files that criterion leaves are read.
    pub(super) prints_json: bool,
    pub(super) needs_root: bool,
    pub(super) beforehand: Beforehand,
}

/// What has to be there when a bench starts, beside the bench itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beforehand {
    Nothing,
    /// The built web page, which the relay takes in, and a browser.
    Page,
    /// These, and `tycho` beside the bench, for its demo.
    PageAndTycho,
}

pub(super) const FLOW: Source = Source {
    package: "flow",
    bench: "pipeline",
    prints_json: false,
    needs_root: false,
    beforehand: Beforehand::Nothing,
};

pub(super) const OBSERVER: Source = Source {
    package: "observer",
    bench: "pipeline",
    prints_json: false,
    needs_root: false,
    beforehand: Beforehand::Nothing,
};

pub(super) const MEMORY: Source = Source {
    package: "tests",
    bench: "memory",
    prints_json: true,
    needs_root: false,
    beforehand: Beforehand::Nothing,
};

pub(super) const KERNEL: Source = Source {
    package: "tests",
    bench: "kernel",
    prints_json: true,
    needs_root: true,
    beforehand: Beforehand::Nothing,
};

pub(super) const RELAY: Source = Source {
    package: "relay",
    bench: "relay",
    prints_json: true,
    needs_root: false,
    beforehand: Beforehand::Nothing,
};

pub(super) const DAY: Source = Source {
    package: "relay",
    bench: "day",
    prints_json: true,
    needs_root: false,
    beforehand: Beforehand::Nothing,
};

pub(super) const PAGE: Source = Source {
    package: "tests",
    bench: "page",
    prints_json: true,
    needs_root: false,
    beforehand: Beforehand::Page,
};

/// Rows of the same bench that start the demo.
pub(super) const DEMO: Source = Source {
    needs_root: true,
    beforehand: Beforehand::PageAndTycho,
    ..PAGE
};

pub(super) const REGISTRY: Source = Source {
    package: "registry",
    bench: "cluster",
    prints_json: true,
    needs_root: false,
    beforehand: Beforehand::Nothing,
};

impl Source {
    /// Measures `rows`.
    pub(super) fn command(self, rows: &[&str]) -> Command {
        let mut command = cargo([
            "bench",
            "--quiet",
            "--package",
            self.package,
            "--bench",
            self.bench,
            "--",
        ]);
        if self.prints_json {
            command.args(rows);
        } else {
            // Criterion takes one pattern.
            command.arg(format!("^({})(/|$)", rows.join("|")));
        }
        command
    }
}
