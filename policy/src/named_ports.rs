//! Names that endpoints give to their ports.

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::Identity;
use crate::label::LabelSet;

/// Which ports of which identities have a name. A rule that names a port means the ports of that name of every endpoint it
/// is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedPorts {
    by_name: BTreeMap<String, BTreeMap<Identity, Named>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    labels: LabelSet,
    ports: BTreeSet<u16>,
}

impl NamedPorts {
    /// No port has a name.
    pub const fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
        }
    }

    /// An endpoint with this identity calls a port by this name. Endpoints of one identity may call different ports by one
    /// name: both count.
    pub fn insert(&mut self, identity: Identity, labels: &LabelSet, name: &str, port: u16) {
        let identities = self.by_name.entry(name.to_owned()).or_default();
        let named = identities.entry(identity).or_insert_with(|| Named {
            labels: labels.clone(),
            ports: BTreeSet::new(),
        });
        named.ports.insert(port);
    }

    /// The ports of that name over all identities that are meant.
    pub fn ports(
        &self,
        name: &str,
        is_meant: impl Fn(Identity, &LabelSet) -> bool,
    ) -> BTreeSet<u16> {
        let identities = self.by_name.get(name).into_iter().flatten();
        identities
            .filter(|(identity, named)| is_meant(**identity, &named.labels))
            .flat_map(|(_, named)| named.ports.iter().copied())
            .collect()
    }

    /// Whether no port has a name.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::NamedPorts;
    use crate::identity::Identity;
    use crate::label::LabelSet;

    #[test]
    fn a_name_is_the_union_over_those_that_are_meant() {
        let labels = LabelSet::default();
        let mut named = NamedPorts::new();
        for (identity, name, port) in [
            (300, "http", 80),
            (300, "http", 8080),
            (301, "http", 81),
            (301, "dns", 53),
        ] {
            named.insert(Identity(identity), &labels, name, port);
        }
        let check = |name: &str, meant: &[u32], expect: &[u16]| {
            let ports = named.ports(name, |identity, _| meant.contains(&identity.0));
            assert_eq!(ports.into_iter().collect::<Vec<_>>(), expect);
        };
        check("http", &[300, 301], &[80, 81, 8080]);
        check("http", &[301], &[81]);
        check("http", &[], &[]);
        check("dns", &[300], &[]);
        check("none", &[300], &[]);
    }
}
