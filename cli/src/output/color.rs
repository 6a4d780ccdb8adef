//! Colours of text output (`--color`).

use std::io::IsTerminal as _;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum When {
    /// If standard output is a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    on: bool,
}

/// What a colour marks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Paint {
    Host,
    Port,
    Identity,
    Good,
    Bad,
    Noteworthy,
}

impl Palette {
    /// The palette for standard output.
    pub(super) fn new(when: When) -> Self {
        let on = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                std::io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self { on }
    }

    /// No colours.
    pub(super) const PLAIN: Self = Self { on: false };

    /// The text in the colour of what it is.
    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bad => 31,
            Paint::Good => 32,
            Paint::Port | Paint::Noteworthy => 33,
            Paint::Identity => 35,
            Paint::Host => 36,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
