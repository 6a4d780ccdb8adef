//! Rules and default denies in words, and the numbers that stand for them in the kernel.

use std::collections::HashMap;

use bpf_events::policy::RULE_FIRST;
use policy::{Decision, Direction, Enforcement, LabelSet, PolicyModel, RuleRef, Verdict};

/// What lets the node reach its own endpoints.
pub(super) const LOCAL_HOST: &str = "reserved:local-host";

/// Rules by number, for as long as a test runs.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    words: Vec<String>,
    by_words: HashMap<String, u32>,
}

impl Numbers {
    /// The number of a rule in words.
    pub(super) fn of(&mut self, words: String) -> u32 {
        let next = RULE_FIRST + self.words.len() as u32;
        *self.by_words.entry(words).or_insert_with_key(|words| {
            self.words.push(words.clone());
            next
        })
    }

    /// The words of a number.
    pub(super) fn words(&self, number: u32) -> String {
        let place = number.checked_sub(RULE_FIRST).map(|place| place as usize);
        place.and_then(|place| self.words.get(place)).map_or_else(
            || format!("number {number}, which no rule has"),
            String::clone,
        )
    }
}

/// What decides, in words.
pub(super) struct RuleNames<'a> {
    /// All that decides.
    pub(super) model: &'a PolicyModel<'a>,
    /// Whose policy it is.
    pub(super) subject: &'a LabelSet,
}

impl RuleNames<'_> {
    /// Nothing decides.
    pub(super) fn none(&self) -> String {
        "none".to_owned()
    }

    /// What a decision goes back to.
    pub(super) fn of(&self, decision: &Decision, direction: Direction) -> String {
        match decision.rule {
            Some(rule) => self.of_rule(rule),
            None if decision.verdict == Verdict::DefaultDeny => self.default_deny(direction),
            None => self.none(),
        }
    }

    fn of_rule(&self, rule: RuleRef) -> String {
        let rule = self.model.rules.rule(rule).expect("a rule of this set");
        rule.key.to_string()
    }

    /// The policies that put the subject into default deny: those that enforce, else those that audit.
    pub(super) fn default_deny(&self, direction: Direction) -> String {
        let by = |audited| -> Vec<String> {
            let all = self.model.rules.default_denying(self.subject, direction);
            let fitting = all.filter(|policy| policy.audited == audited);
            fitting.map(|policy| policy.name.to_string()).collect()
        };
        let enforcing = by(false);
        let names = if enforcing.is_empty() && self.model.enforcement == Enforcement::Default {
            by(true)
        } else {
            enforcing
        };
        if names.is_empty() {
            self.none()
        } else {
            format!("default deny of {}", names.join(" and "))
        }
    }
}
