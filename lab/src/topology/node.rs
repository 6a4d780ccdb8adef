//! A node that has been built: its endpoints come, go, and end with it.

use thiserror::Error;

use super::BRIDGE;
use super::commands::{ENDPOINT_SYSCTLS, NODE_SYSCTLS, endpoint_lines, join_lines, node_lines};
use super::endpoint::Endpoint;
use super::names::default_mac_address;
use super::spec::{EndpointSpec, NodeSettings};
use super::spec_error::SpecError;
use crate::address::InterfaceAddress;
use crate::counters::{CountersError, InterfaceCounters, interface_counters, interface_index};
use crate::ip_command::{IpCommandError, run_ip_batch};
use crate::namespace::{Namespace, NamespaceError};
use crate::sysctl::{self, SysctlError};

/// Why a topology could not be built or changed.
#[derive(Debug, Error)]
pub enum TopologyError {
    /// The description is wrong.
    #[error("the topology is not possible")]
    Spec(#[from] SpecError),
    /// A namespace could not be made, entered or removed.
    #[error("cannot prepare the namespaces")]
    Namespace(#[from] NamespaceError),
    /// A link, address or route could not be made.
    #[error("cannot set up the links of namespace {namespace}")]
    Links {
        /// Where.
        namespace: String,
        /// What `ip` said.
        source: IpCommandError,
    },
    /// A kernel setting could not be made.
    #[error("cannot prepare namespace {namespace}")]
    Sysctl {
        /// Where.
        namespace: String,
        /// Which setting.
        source: SysctlError,
    },
    /// An interface that was made is not there.
    #[error("cannot find the interface of endpoint {namespace}")]
    Interface {
        /// The endpoint.
        namespace: String,
        /// Why.
        source: CountersError,
    },
    /// The cluster has fewer nodes.
    #[error("there is no node {index}: the cluster has {count}, counted from 0")]
    NoNode {
        /// The place asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The node has no such endpoint.
    #[error("node {node} has no endpoint {endpoint}")]
    NoEndpoint {
        /// The node's namespace.
        node: String,
        /// The endpoint's namespace.
        endpoint: String,
    },
}

/// A node and its endpoints. Dropping it removes their namespaces, unless [`Node::keep`] was called.
#[derive(Debug)]
pub struct Node {
    settings: NodeSettings,
    namespace: Namespace,
    endpoints: Vec<Endpoint>,
    kept: bool,
}

impl Node {
    pub(super) fn build(
        settings: NodeSettings,
        specs: Vec<EndpointSpec>,
    ) -> Result<Self, TopologyError> {
        let namespace = Namespace::create(&settings.namespace)?;
        // From here on a failure drops the node, which removes what was made.
        let mut node = Self {
            settings,
            namespace,
            endpoints: Vec::new(),
            kept: false,
        };
        configure(&node.namespace, NODE_SYSCTLS, &node_lines(&node.settings))?;
        for spec in specs {
            node.join(spec)?;
        }
        Ok(node)
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The name of its bridge.
    pub fn bridge(&self) -> &'static str {
        BRIDGE
    }

    /// The addresses of its bridge.
    pub fn gateways(&self) -> &[InterfaceAddress] {
        &self.settings.gateways
    }

    /// Its endpoints, in the order in which they came.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The endpoint in the namespace of that name.
    pub fn endpoint(&self, namespace: &str) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.namespace.name() == namespace)
    }

    /// What the node's end of an endpoint's veth pair has counted.
    ///
    /// # Errors
    /// The namespace or the interface has gone.
    pub fn host_counters(&self, endpoint: &Endpoint) -> Result<InterfaceCounters, CountersError> {
        interface_counters(&self.namespace, &endpoint.host_interface)
    }

    /// Adds an endpoint to the running node.
    ///
    /// # Errors
    /// It cannot be joined to this node, its namespace exists, or a command failed; nothing of it
    /// is left then.
    pub fn add_endpoint(&mut self, spec: EndpointSpec) -> Result<&Endpoint, TopologyError> {
        let present: Vec<EndpointSpec> = self
            .endpoints
            .iter()
            .map(|endpoint| endpoint.spec.clone())
            .collect();
        self.settings.check_endpoint(&present, &spec)?;
        self.join(spec)
    }

    /// Removes an endpoint: its veth pair at once, then its namespace.
    ///
    /// # Errors
    /// The node has no such endpoint, or a command failed.
    pub fn remove_endpoint(&mut self, namespace: &str) -> Result<(), TopologyError> {
        let Some(place) = self
            .endpoints
            .iter()
            .position(|endpoint| endpoint.namespace.name() == namespace)
        else {
            return Err(TopologyError::NoEndpoint {
                node: self.settings.namespace.clone(),
                endpoint: namespace.to_owned(),
            });
        };
        let line = format!("link delete dev {}", self.endpoints[place].host_interface);
        configure(&self.namespace, &[], &[line])?;
        self.endpoints.remove(place).namespace.delete()?;
        Ok(())
    }

    /// Leaves the namespaces in place when this is dropped; [`crate::sweep`] removes them later.
    pub fn keep(&mut self) {
        self.kept = true;
    }

    /// Removes the node and its endpoints, and says so if that fails (dropping cannot).
    ///
    /// # Errors
    /// The first namespace that could not be removed; the others are removed all the same.
    pub fn delete(mut self) -> Result<(), TopologyError> {
        self.kept = true;
        self.remove_namespaces().map_err(TopologyError::from)
    }

    fn join(&mut self, spec: EndpointSpec) -> Result<&Endpoint, TopologyError> {
        let namespace = Namespace::create(&spec.namespace)?;
        match self.connect(&namespace, spec) {
            Ok(endpoint) => {
                self.endpoints.push(endpoint);
                Ok(&self.endpoints[self.endpoints.len() - 1])
            }
            Err(error) => {
                // The first error says more than one of the removal would.
                drop(namespace.delete());
                Err(error)
            }
        }
    }

    fn connect(
        &self,
        namespace: &Namespace,
        spec: EndpointSpec,
    ) -> Result<Endpoint, TopologyError> {
        // Settings first: the new link takes its own from the namespace's defaults.
        configure(namespace, ENDPOINT_SYSCTLS, &[])?;
        configure(&self.namespace, &[], &join_lines(&self.settings, &spec))?;
        configure(namespace, &[], &endpoint_lines(&self.settings, &spec))?;
        let host_interface = spec.host_interface_name();
        let host_interface_index =
            interface_index(&self.namespace, &host_interface).map_err(|source| {
                TopologyError::Interface {
                    namespace: spec.namespace.clone(),
                    source,
                }
            })?;
        let host_mac_address = default_mac_address(&self.settings.namespace, &host_interface);
        let namespace = namespace.clone();
        Ok(Endpoint {
            spec,
            namespace,
            host_interface,
            host_interface_index,
            host_mac_address,
        })
    }

    fn remove_namespaces(&mut self) -> Result<(), NamespaceError> {
        let endpoints = self.endpoints.drain(..).map(|endpoint| endpoint.namespace);
        let mut first_error = Ok(());
        for namespace in endpoints.chain([self.namespace.clone()]) {
            let result = namespace.delete();
            if first_error.is_ok() {
                first_error = result;
            }
        }
        first_error
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !self.kept {
            // A drop has nobody to tell; a sweep finds what is left.
            drop(self.remove_namespaces());
        }
    }
}

/// Writes the settings and runs the lines, inside the namespace.
pub(super) fn configure(
    namespace: &Namespace,
    settings: &[(&str, &'static str)],
    lines: &[String],
) -> Result<(), TopologyError> {
    let name = || namespace.name().to_owned();
    namespace.run(|| {
        sysctl::write_all(settings).map_err(|source| TopologyError::Sysctl {
            namespace: name(),
            source,
        })?;
        if lines.is_empty() {
            return Ok(());
        }
        run_ip_batch(lines).map_err(|source| TopologyError::Links {
            namespace: name(),
            source,
        })
    })?
}
