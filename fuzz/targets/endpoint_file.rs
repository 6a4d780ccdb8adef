//! The endpoint file: what is accepted keeps every bound, what is refused is told line by line.
#![no_main]

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use policy::{Label, NAMESPACE_LABEL};
use registry::endpoint_file::{
    EndpointFile, EndpointFileError, EndpointSpec, MAX_IPS, MAX_LABELS, MAX_PORTS,
    MAX_SPOOFING_CIDRS, Spoofing, labels, parse,
};

const FILE: &str = "endpoints.yaml";
/// The label that every namespace has, unless the file gives it another value.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

fuzz_target!(|text: &str| {
    let lines = text.split(['\n', '\r']).count() as u64;
    match parse(Path::new(FILE), text) {
        Ok(file) => accepted(&file, lines),
        Err(error) => refused(&error, lines),
    }
});

fn accepted(file: &EndpointFile, lines: u64) {
    assert_eq!(file.node_name(), format!("{}/{}", file.cluster, file.node));
    let endpoints = &file.endpoints;
    unique(endpoints.iter().map(EndpointSpec::qualified_name));
    unique(endpoints.iter().map(|endpoint| &endpoint.attachment));
    unique(endpoints.iter().flat_map(|endpoint| &endpoint.ips));
    for endpoint in endpoints {
        assert!(
            (1..=lines).contains(&endpoint.line),
            "line {}",
            endpoint.line
        );
        assert!((1..=MAX_IPS).contains(&endpoint.ips.len()));
        assert!(endpoint.labels.len() <= MAX_LABELS);
        assert!(endpoint.ports.len() <= MAX_PORTS);
        assert!(endpoint.ports.values().all(|&port| port > 0));
        if let Spoofing::Cidrs(cidrs) = &endpoint.spoofing {
            assert!(cidrs.len() <= MAX_SPOOFING_CIDRS);
            for cidr in cidrs {
                assert_eq!(cidr.to_string().parse().as_ref(), Ok(cidr));
            }
        }
        labels_are_readable(endpoint, file);
    }
}

/// The labels print to texts that read as the same labels, none lost.
fn labels_are_readable(endpoint: &EndpointSpec, file: &EndpointFile) {
    let set = labels(endpoint, &file.namespaces);
    for label in &set {
        assert_eq!(Label::parse(&label.to_string()).as_ref(), Ok(label));
    }
    let of_namespace = endpoint.namespace.as_ref().map_or(0, |name| {
        let given = file.namespaces.get(name);
        let named = given.is_some_and(|pairs| pairs.contains_key(NAMESPACE_NAME));
        // The namespace's name is a label of the endpoint, and one of the namespace.
        2 + given.map_or(0, |pairs| pairs.len()) - usize::from(named)
    });
    assert_eq!(set.len(), endpoint.labels.len() + of_namespace);
    assert_eq!(
        set.value("k8s", NAMESPACE_LABEL),
        endpoint.namespace.as_deref()
    );
}

fn refused(error: &EndpointFileError, lines: u64) {
    let EndpointFileError::Invalid { problems, .. } = error else {
        panic!("no file was read, yet: {error}");
    };
    assert!(!problems.is_empty());
    assert!(problems.is_sorted_by_key(|problem| problem.line));
    for problem in problems {
        assert!(problem.line <= lines, "{problem:?}");
        assert!(!problem.message.is_empty());
    }
    // One line each, and nothing that steers a terminal.
    for line in error.to_string().split('\n') {
        assert!(line.starts_with(FILE), "{line:?}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

fn unique<T: Debug + Eq + Hash>(items: impl Iterator<Item = T>) {
    let mut seen = HashSet::new();
    for item in items {
        let text = format!("{item:?} occurs twice");
        assert!(seen.insert(item), "{text}");
    }
}
