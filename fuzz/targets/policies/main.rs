//! Policies: whatever is read compiles, and its cells decide as the specification does.
#![no_main]

mod node;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use node::Node;
use policy::{Policy, PolicyRepository, Ranks, ReadError, RuleSet, check_policies, read_policies};

const FILE: &str = "policies.yaml";

fuzz_target!(|text: &str| {
    let lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap_or(u32::MAX);
    match read_policies(FILE, text) {
        Ok(policies) => accepted(text, policies, lines),
        Err(error) => refused(&error, lines),
    }
});

fn refused(error: &ReadError, lines: u32) {
    assert_eq!(error.file, FILE);
    assert!((1..=lines).contains(&error.line), "{error:?}");
    // One line, and nothing that steers a terminal.
    let told = error.to_string();
    assert!(
        told.starts_with(&format!("{FILE}:{}: ", error.line)),
        "{told:?}"
    );
    assert!(!told.contains(char::is_control), "{told:?}");
}

fn accepted(text: &str, policies: Vec<Policy>, lines: u32) {
    for policy in &policies {
        assert!((1..=lines).contains(&policy.line), "{policy:?}");
        for rule in &policy.rules {
            assert!((policy.line..=lines).contains(&rule.line), "{rule:?}");
            assert_eq!(rule.key.policy, policy.name);
        }
        kept_text_says_the_same(policy);
    }
    let mut repository = PolicyRepository::new();
    let kept = repository.replace_file(FILE, text);
    assert_eq!(kept.is_ok(), check_policies([(FILE, text)]).is_empty());
    // Two policies of one name are refused by the repository alone.
    if kept.is_err() {
        return;
    }
    let rules = Arc::clone(repository.rules());
    assert_eq!(rules.policies().len(), policies.len());
    let reversed = policies.into_iter().rev().map(Arc::new);
    let reversed = RuleSet::new(reversed, &mut Ranks::default());
    Node::of(&rules, text).check(&rules, &reversed);
}

/// A policy is shown, and imported elsewhere, by the text of its own document.
fn kept_text_says_the_same(policy: &Policy) {
    let again = read_policies(FILE, &policy.text);
    let Ok([again]) = again.as_deref() else {
        panic!("{:?} reads as {again:?}", policy.text);
    };
    let told = |policy: &Policy| {
        let rules = policy.rules.iter();
        let rules = rules.map(|rule| (rule.key.clone(), rule.peers.clone(), rule.ports.clone()));
        let rules: Vec<_> = rules.collect();
        let default_deny = (policy.default_deny_ingress, policy.default_deny_egress);
        (
            Arc::clone(&policy.subject),
            default_deny,
            policy.audited,
            rules,
        )
    };
    assert_eq!(told(again), told(policy), "{:?}", policy.text);
}
