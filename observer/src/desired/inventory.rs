//! The endpoints of both owners, the file's and those that were added through the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry::endpoint_file::{EndpointFile, EndpointSpec};

use super::clash::{ClashError, clashes, place};

/// Where something was defined; if it is defined twice at a start, the first of them wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Owner {
    /// In a file that the node follows.
    File,
    /// Through the API.
    Api,
    /// In the cluster's registry. Only policies are.
    Registry,
}

/// One endpoint and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) spec: Arc<EndpointSpec>,
    pub(super) owner: Owner,
    /// `file:line`.
    pub(super) source: Arc<str>,
}

/// All endpoints that the node shall have.
#[derive(Clone, Debug)]
pub(super) struct Inventory {
    file: Arc<EndpointFile>,
    api: Option<Arc<EndpointFile>>,
    /// Endpoints of the API that are not listed, as the file has something of theirs.
    set_aside: BTreeMap<String, ClashError>,
    listed: Vec<Listed>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

impl Inventory {
    /// Those of the file alone.
    pub(super) fn new(file: Arc<EndpointFile>) -> Self {
        Self::merged(file, None, BTreeMap::new())
    }

    /// With a newer version of the file.
    pub(super) fn with_file(&self, file: Arc<EndpointFile>) -> Result<Self, ClashError> {
        self.checked(file, self.api.clone())
    }

    /// With a newer version of what the API has added.
    pub(super) fn with_api(&self, api: Arc<EndpointFile>) -> Result<Self, ClashError> {
        self.checked(Arc::clone(&self.file), Some(api))
    }

    /// With what the API had added before: the file wins, and what clashes with it is set aside.
    pub(super) fn with_earlier_api(&self, api: Arc<EndpointFile>) -> Self {
        let set_aside = clashes(&self.file, &api);
        Self::merged(Arc::clone(&self.file), Some(api), set_aside)
    }

    /// The endpoints of the API that are not in use, by name.
    pub(super) fn set_aside(&self) -> &BTreeMap<String, ClashError> {
        &self.set_aside
    }

    /// The endpoints, the file's first.
    pub(super) fn endpoints(&self) -> &[Listed] {
        &self.listed
    }

    /// The cluster of all of them.
    pub(super) fn cluster(&self) -> &str {
        &self.file.cluster
    }

    /// The labels of namespaces; what the file says goes before what the API was told.
    pub(super) fn namespaces(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.namespaces
    }

    /// What was set aside before may stay so; nothing else is.
    fn checked(
        &self,
        file: Arc<EndpointFile>,
        api: Option<Arc<EndpointFile>>,
    ) -> Result<Self, ClashError> {
        let clashes = api.as_ref().map(|api| clashes(&file, api));
        let clashes = clashes.unwrap_or_default();
        let mut new = clashes.iter();
        match new.find(|(name, _)| !self.set_aside.contains_key(*name)) {
            Some((_, clash)) => Err(clash.clone()),
            None => Ok(Self::merged(file, api, clashes)),
        }
    }

    fn merged(
        file: Arc<EndpointFile>,
        api: Option<Arc<EndpointFile>>,
        set_aside: BTreeMap<String, ClashError>,
    ) -> Self {
        let mut listed = list(&file, Owner::File);
        let mut namespaces = file.namespaces.clone();
        if let Some(api) = &api {
            let used = |one: &Listed| !set_aside.contains_key(&one.spec.qualified_name());
            listed.extend(list(api, Owner::Api).into_iter().filter(used));
            for (namespace, labels) in &api.namespaces {
                namespaces
                    .entry(namespace.clone())
                    .or_insert_with(|| labels.clone());
            }
        }
        Self {
            file,
            api,
            set_aside,
            listed,
            namespaces,
        }
    }
}

fn list(file: &EndpointFile, owner: Owner) -> Vec<Listed> {
    let listed = file.endpoints.iter().map(|spec| Listed {
        source: place(&file.path, spec).into(),
        spec: Arc::new(spec.clone()),
        owner,
    });
    listed.collect()
}
