//! Generated policies as YAML documents, in parts, so that a failing set can be made smaller.

use std::fmt;

use tests::random::Random;

use super::rule_text::{Language, plain_selector, rule, selector};

/// One policy.
#[derive(Clone, Debug)]
pub(super) struct PolicyText {
    /// All but the rules.
    head: String,
    /// Of each section its name and rules.
    sections: Vec<(&'static str, Vec<String>)>,
}

impl fmt::Display for PolicyText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "---\n{}", self.head)?;
        for (section, rules) in &self.sections {
            if rules.is_empty() {
                writeln!(out, "  {section}: []")?;
                continue;
            }
            writeln!(out, "  {section}:")?;
            for rule in rules {
                writeln!(out, "  - {rule}")?;
            }
        }
        Ok(())
    }
}

/// A set of policies as one text.
pub(super) fn text(policies: &[PolicyText]) -> String {
    policies.iter().map(ToString::to_string).collect()
}

/// A set of one to eight policies.
pub(super) fn policies(random: &mut Random) -> Vec<PolicyText> {
    (0..=random.below(8))
        .map(|number| {
            // Names are not in the order of making.
            let name = format!("{}-{number}", random.pick(&["a", "m", "z"]));
            policy(random, &name)
        })
        .collect()
}

fn policy(random: &mut Random, name: &str) -> PolicyText {
    let annotations = match random.below(10) {
        0..3 => ", annotations: {tycho.io/audit: \"true\"}",
        3 => ", annotations: {tycho.io/audit: \"false\"}",
        _ => "",
    };
    let namespace = random.weighted(&[(5, "shop"), (4, "bank"), (1, "dev")]);
    match random.below(100) {
        0..35 => {
            let metadata = format!("{{name: {name}, namespace: {namespace}{annotations}}}");
            cilium(random, "CiliumNetworkPolicy", &metadata)
        }
        35..72 => {
            let metadata = format!("{{name: {name}{annotations}}}");
            cilium(random, "CiliumClusterwideNetworkPolicy", &metadata)
        }
        _ => {
            let metadata = format!("{{name: {name}, namespace: {namespace}{annotations}}}");
            kubernetes(random, &metadata)
        }
    }
}

fn cilium(random: &mut Random, kind: &str, metadata: &str) -> PolicyText {
    let subject = if random.percent(45) {
        "{}".to_owned()
    } else {
        selector(random)
    };
    let flag = |random: &mut Random| random.pick(&["true", "false", "false"]);
    let default_deny = match random.below(10) {
        0..3 => format!(
            "\n  enableDefaultDeny: {{ingress: {}, egress: {}}}",
            flag(random),
            flag(random)
        ),
        3 => format!("\n  enableDefaultDeny: {{egress: {}}}", flag(random)),
        4 => format!("\n  enableDefaultDeny: {{ingress: {}}}", flag(random)),
        _ => String::new(),
    };
    let mut sections = Vec::new();
    for (section, from, percent) in [
        ("ingress", "from", 55),
        ("ingressDeny", "from", 60),
        ("egress", "to", 55),
        ("egressDeny", "to", 60),
    ] {
        if random.percent(percent) {
            sections.push((section, rules(random, Language::Cilium, from)));
        }
    }
    if sections.is_empty() {
        sections.push(("ingress", rules(random, Language::Cilium, "from")));
    }
    PolicyText {
        head: format!(
            "apiVersion: cilium.io/v2\nkind: {kind}\nmetadata: {metadata}\nspec:\n  endpointSelector: {subject}{default_deny}"
        ),
        sections,
    }
}

fn kubernetes(random: &mut Random, metadata: &str) -> PolicyText {
    let subject = if random.percent(50) {
        "{}".to_owned()
    } else {
        plain_selector(random)
    };
    let types = random.pick(&[
        "",
        "\n  policyTypes: [Ingress]",
        "\n  policyTypes: [Egress]",
        "\n  policyTypes: [Ingress, Egress]",
        "\n  policyTypes: [Ingress, Egress]",
    ]);
    let mut sections = Vec::new();
    for (section, from) in [("ingress", "from"), ("egress", "to")] {
        if random.percent(70) {
            sections.push((section, rules(random, Language::Kubernetes, from)));
        }
    }
    PolicyText {
        head: format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {metadata}\nspec:\n  podSelector: {subject}{types}"
        ),
        sections,
    }
}

fn rules(random: &mut Random, language: Language, from: &str) -> Vec<String> {
    let count = if random.percent(5) {
        0
    } else {
        1 + random.below(3)
    };
    (0..count).map(|_| rule(random, language, from)).collect()
}

/// The smallest set that still fails, by taking away policies, then rules, as long as it does.
pub(super) fn smallest(
    policies: &[PolicyText],
    mut fails: impl FnMut(&[PolicyText]) -> bool,
) -> Vec<PolicyText> {
    let mut kept = policies.to_vec();
    let mut at = 0;
    while at < kept.len() {
        let mut fewer = kept.clone();
        fewer.remove(at);
        if fails(&fewer) {
            kept = fewer;
        } else {
            at += 1;
        }
    }
    for at in 0..kept.len() {
        for section in 0..kept[at].sections.len() {
            let mut rule = 0;
            while rule < kept[at].sections[section].1.len() {
                let mut fewer = kept.clone();
                fewer[at].sections[section].1.remove(rule);
                if fails(&fewer) {
                    kept = fewer;
                } else {
                    rule += 1;
                }
            }
        }
    }
    kept
}
