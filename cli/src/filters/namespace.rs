//! `--namespace`, `--all-namespaces` and their `from` and `to` forms: they qualify pod and service names.

use proto::flow::FlowFilter;

use super::flag::FilterFlag;

pub(super) const FLAGS: &[FilterFlag] = &[
    FilterFlag::new(
        "namespace",
        "NAMESPACE",
        "Flows with an end in this namespace",
        |pair, value| {
            pair.namespaces.either.push(value.to_owned());
            Ok(())
        },
    )
    .short('n'),
    FilterFlag::new(
        "from-namespace",
        "NAMESPACE",
        "Flows from this namespace",
        |pair, value| {
            pair.namespaces.source.push(value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::new(
        "to-namespace",
        "NAMESPACE",
        "Flows to this namespace",
        |pair, value| {
            pair.namespaces.destination.push(value.to_owned());
            Ok(())
        },
    ),
    FilterFlag::switch(
        "all-namespaces",
        "true",
        "Flows with an end in any namespace",
        |pair, _| {
            pair.namespaces.either.push(String::new());
            Ok(())
        },
    )
    .short('A'),
    FilterFlag::switch(
        "from-all-namespaces",
        "true",
        "Flows from any namespace",
        |pair, _| {
            pair.namespaces.source.push(String::new());
            Ok(())
        },
    ),
    FilterFlag::switch(
        "to-all-namespaces",
        "true",
        "Flows to any namespace",
        |pair, _| {
            pair.namespaces.destination.push(String::new());
            Ok(())
        },
    ),
];

/// Namespaces by the end they hold for; the empty name means any.
#[derive(Default)]
pub(super) struct Namespaces {
    either: Vec<String>,
    source: Vec<String>,
    destination: Vec<String>,
}

impl Namespaces {
    /// Whether no namespace was given.
    pub(super) fn is_empty(&self) -> bool {
        self.either.is_empty() && self.source.is_empty() && self.destination.is_empty()
    }

    /// Qualifies the names in the two filters.
    pub(super) fn apply(&self, source: &mut FlowFilter, destination: &mut FlowFilter) {
        for filter in [&mut *source, &mut *destination] {
            qualify(
                &self.destination,
                &mut filter.destination_pod,
                &mut filter.destination_service,
            );
            qualify(
                &self.source,
                &mut filter.source_pod,
                &mut filter.source_service,
            );
        }
        qualify(
            &self.either,
            &mut source.source_pod,
            &mut source.source_service,
        );
        qualify(
            &self.either,
            &mut destination.destination_pod,
            &mut destination.destination_service,
        );
    }

    /// Refuses names that can match nothing: a pod of another namespace than the one asked for, or a pod
    /// and a service of different namespaces at one end.
    pub(super) fn check(&self, filter: &FlowFilter) -> Result<(), String> {
        let source = [&filter.source_pod, &filter.source_service];
        let destination = [&filter.destination_pod, &filter.destination_service];
        for (namespaces, names) in [
            (&self.either, source),
            (&self.either, destination),
            (&self.source, source),
            (&self.destination, destination),
        ] {
            for namespace in namespaces {
                for name in names.into_iter().flatten() {
                    if namespace_of(name).is_some_and(|own| own != namespace) {
                        return Err(format!(
                            "namespace conflict: {namespace:?} does not contain {name:?}"
                        ));
                    }
                }
            }
        }
        for [pods, services] in [source, destination] {
            for pod_namespace in pods.iter().filter_map(|pod| namespace_of(pod)) {
                for service in services {
                    if namespace_of(service).unwrap_or_default() != pod_namespace {
                        return Err(format!(
                            "namespace of service {service:?} conflict with pod {pod_namespace:?}"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The namespace that a name carries, if it carries one.
fn namespace_of(name: &str) -> Option<&str> {
    name.split_once('/')
        .map(|(namespace, _)| namespace)
        .filter(|namespace| !namespace.is_empty())
}

/// Prefixes each name that has no namespace with each of the namespaces; with no name, any pod of them.
fn qualify(namespaces: &[String], pods: &mut Vec<String>, services: &mut Vec<String>) {
    if namespaces.is_empty() {
        return;
    }
    if pods.is_empty() && services.is_empty() {
        pods.push(String::new());
    }
    for names in [pods, services] {
        *names = names
            .iter()
            .flat_map(|name| {
                if name.contains('/') {
                    vec![name.clone()]
                } else {
                    namespaces
                        .iter()
                        .map(|namespace| format!("{namespace}/{name}"))
                        .collect()
                }
            })
            .collect();
    }
}
