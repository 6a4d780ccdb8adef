//! What the API had added before and what the registry has, beside files: the files win, and what clashes is set aside.

use std::sync::Arc;

use policy::{PolicyName, RepositoryError};
use registry::directory::Manifest;
use registry::endpoint_file::EndpointFile;

use super::inventory::Owner;
use super::plan::Planner;

impl Planner {
    /// Takes the endpoints that the API had added before; what clashes with the file is not in use.
    pub(crate) fn set_earlier_api_endpoints(&mut self, endpoints: Arc<EndpointFile>) {
        self.inventory = self.inventory.with_earlier_api(endpoints);
    }

    /// Takes the policies that the API had added before; what the directory defines too is not in force.
    ///
    /// # Errors
    /// If one of them is none.
    pub(crate) fn set_earlier_api_policies(
        &mut self,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        self.policies.set_earlier(Owner::Api, manifests)
    }

    /// Takes the policies of the registry for the first time; what the node defines too is not in force.
    ///
    /// # Errors
    /// If one of them is none.
    pub(crate) fn set_first_registry_policies(
        &mut self,
        manifests: &[Manifest],
    ) -> Result<(), RepositoryError> {
        self.policies.set_earlier(Owner::Registry, manifests)
    }

    /// Each endpoint and policy that is set aside, in words and with the next step.
    pub(crate) fn set_aside(&self) -> Vec<String> {
        let endpoints = self.inventory.set_aside().values();
        let endpoints = endpoints.map(|clash| {
            let clash = clash.with_next_step();
            format!("an endpoint of the API is not in use: {clash}")
        });
        let policies = self.policies.set_aside().iter();
        let policies = policies.map(|one| {
            let owner = match one.owner {
                Owner::Registry => "the registry",
                Owner::Api | Owner::File => "the API",
            };
            format!("a policy of {owner} is not in force: {}", one.sentence())
        });
        endpoints.chain(policies).collect()
    }

    /// Why an endpoint of the API is set aside.
    pub(crate) fn endpoint_set_aside(&self, name: &str) -> Option<String> {
        let clash = self.inventory.set_aside().get(name)?;
        Some(clash.with_next_step())
    }

    /// The manifest of a policy of the API that is set aside.
    pub(crate) fn policy_set_aside(&self, name: &PolicyName) -> Option<&Manifest> {
        let mut aside = self.policies.set_aside().iter();
        let of_api = aside.find(|one| one.owner == Owner::Api && one.name == *name);
        Some(&of_api?.manifest)
    }

    /// The next step too, if the error is about a policy that two owners define.
    pub(crate) fn policy_clash(&self, error: &RepositoryError) -> Option<String> {
        self.policies.with_next_step(error)
    }
}
