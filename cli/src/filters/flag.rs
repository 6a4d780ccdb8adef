//! What one filter flag is: its name on the command line and what its value does to a pair of filters.

use proto::flow::FlowFilter;

use super::pair::FilterPair;

/// One filter flag of `tycho observe`.
pub(super) struct FilterFlag {
    /// Long name without the dashes.
    pub(super) name: &'static str,
    /// One-letter name.
    pub(super) short: Option<char>,
    /// What stands for the value in the help; for a switch, the value itself.
    pub(super) value_name: &'static str,
    /// Whether the flag stands without a value.
    pub(super) is_switch: bool,
    /// One line of help.
    pub(super) help: &'static str,
    /// Adds the value to the filters; the error says what is wrong with the value.
    pub(super) apply: fn(&mut FilterPair, &str) -> Result<(), String>,
}

impl FilterFlag {
    /// A flag that takes a value.
    pub(super) const fn new(
        name: &'static str,
        value_name: &'static str,
        help: &'static str,
        apply: fn(&mut FilterPair, &str) -> Result<(), String>,
    ) -> Self {
        Self {
            name,
            short: None,
            value_name,
            is_switch: false,
            help,
            apply,
        }
    }

    /// A flag that stands without a value; `value` is what it could be given behind an equals sign.
    pub(super) const fn switch(
        name: &'static str,
        value: &'static str,
        help: &'static str,
        apply: fn(&mut FilterPair, &str) -> Result<(), String>,
    ) -> Self {
        let mut flag = Self::new(name, value, help, apply);
        flag.is_switch = true;
        flag
    }

    /// The same flag with a one-letter name.
    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    /// The flag as messages show it: `--from-label`, `-n, --namespace`.
    pub(super) fn shown(&self) -> String {
        match self.short {
            Some(short) => format!("-{short}, --{}", self.name),
            None => format!("--{}", self.name),
        }
    }
}

/// A value that each side of an either-form flag adds to its own field.
pub(super) type Field<T> = fn(&mut FlowFilter) -> &mut Vec<T>;

/// The switch that turns the next filter flag around.
pub(super) const NOT: &str = "not";
