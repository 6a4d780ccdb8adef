//! What compiling all policy sets of a node costs after a policy change: 250 subjects, 1,000 identities.
//!
//! Prints one JSON object per row: the time to compile every set once, from a new compiler, and the cells that come out.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::Instant;

use policy::{Compiler, Enforcement, Identities, LabelSet, NamedPorts, PolicyRepository};

const SUBJECTS: usize = 250;
const IDENTITIES: usize = 1_000;
const RUNS: usize = 11;

fn main() {
    let mut one_each = String::new();
    for app in 0..100 {
        one_each += &policy(
            &format!("app-{app}"),
            &format!("{{matchLabels: {{app: app-{app}}}}}"),
            &format!("matchLabels: {{app: app-{}}}", (app + 1) % 100),
            8080,
        );
    }
    print("policy-compile-app-to-app", &one_each);
    let mut namespace = String::new();
    for rule in 0..100u16 {
        namespace += &policy(
            &format!("rule-{rule}"),
            "{}",
            &format!("matchLabels: {{app: app-{rule}}}"),
            8_000 + rule,
        );
    }
    print("policy-compile-100-rules-each", &namespace);
    for subject in 0..SUBJECTS {
        namespace += &policy(
            &format!("own-{subject}"),
            &format!(
                "{{matchLabels: {{app: app-{}, version: v{}}}}}",
                subject % 100,
                subject / 100
            ),
            "matchLabels: {app: app-1}",
            9_000,
        );
    }
    print("policy-compile-100-rules-and-one-of-its-own", &namespace);
    print(
        "policy-compile-all-select-all",
        &policy("all", "{}", "", 8080),
    );
}

fn policy(name: &str, subject: &str, peer: &str, port: u16) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  \
         endpointSelector: {subject}\n  ingress:\n  - fromEndpoints: [{{{peer}}}]\n    toPorts: [{{ports: [{{port: {port}, \
         protocol: TCP}}]}}]\n"
    )
}

/// Ten versions of each of a hundred apps.
fn labels(number: usize) -> LabelSet {
    let (app, version) = (number % 100, number / 100);
    LabelSet::parse([
        format!("k8s:app=app-{app}"),
        format!("k8s:version=v{version}"),
        "k8s:io.kubernetes.pod.namespace=shop".to_owned(),
        "k8s:io.cilium.k8s.namespace.labels.team=web".to_owned(),
    ])
    .expect("well formed")
}

fn print(row: &str, yaml: &str) {
    let mut policies = PolicyRepository::new();
    policies.replace_file("bench.yaml", yaml).expect("good");
    let mut identities = Identities::new();
    for number in 0..IDENTITIES {
        identities.allocate(labels(number)).expect("there is room");
    }
    let subjects: Vec<LabelSet> = (0..SUBJECTS).map(labels).collect();
    let named_ports = NamedPorts::new();
    let model = policies.model(Enforcement::Default, &named_ports);
    let mut times: Vec<f64> = Vec::new();
    let mut cells = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        let compiler = Compiler::new(model, &identities);
        let sets: Vec<_> = subjects
            .iter()
            .map(|subject| compiler.compile(subject))
            .collect();
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
        cells = black_box(&sets).iter().map(|set| set.cells.len()).sum();
    }
    times.sort_by(f64::total_cmp);
    let median = times[RUNS / 2];
    println!(r#"{{"row": "{row}", "value": {median:.2}, "unit": "ms", "cells": {cells}}}"#);
}
