//! What an observer is told at its start.

use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::listen::{Exposure, Listen};
use policy::{Enforcement, LabelFilter};
use registry::cluster::{EtcdLogin, EtcdTls, RegistrySettings, RegistryUrl};
use registry::endpoint_file::Mode;

/// Where the sockets and the numbers of all observers of a machine lie, unless configured otherwise.
pub const DEFAULT_STATE: &str = "/run/tycho";

/// The TCP address that is served unless configured otherwise.
pub const DEFAULT_TCP: &str = "127.0.0.1:4244";

/// How long the number of an identity rests, unless configured otherwise.
pub const DEFAULT_IDENTITY_REST: Duration = Duration::from_secs(24 * 3_600);

/// How long other nodes keep a node after its observer has died, unless configured otherwise: long enough for whatever
/// replaces the observer.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(5 * 60);

/// How much is told of allowed traffic. Drops and verdicts are always told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// Per connection and direction: the first packet, milestones, every interval, the end.
    #[default]
    Connection,
    /// Every packet at every hook.
    None,
}

/// What is left in bpffs, so that enforcement outlives the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// Pins in `/sys/fs/bpf/tycho/<node>`.
    #[default]
    Default,
    /// Pins in this directory, which must lie on bpffs.
    At(PathBuf),
    /// No pins: programs and maps end with the process.
    Off,
}

/// The configuration of one observer.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the node; `None` takes that of the endpoint file.
    pub node: Option<String>,
    /// The endpoint file; followed while the observer runs.
    pub endpoints: PathBuf,
    /// Directory of policy manifests; followed while the observer runs. Without one there are no policies.
    pub policies: Option<PathBuf>,
    /// Directory for what the API adds. Default: `api` beside the endpoint file.
    pub api_directory: Option<PathBuf>,
    /// Which labels make an identity. Default: all but those that differ between the instances of a workload.
    pub labels: Option<LabelFilter>,
    /// A file that says so in place of `labels`; followed while the observer runs.
    pub label_filter: Option<PathBuf>,
    /// The cluster's registry. Default: the directory `registry` in `state`, which all observers of a machine share.
    pub registry: Option<RegistryUrl>,
    /// TLS to a registry in etcd, beside what the system trusts.
    pub registry_tls: EtcdTls,
    /// User and password for a registry in etcd; those of its URL if none.
    pub registry_login: Option<EtcdLogin>,
    /// How other nodes reach this one, `host:port`. Default: its TCP address, if that is not the machine's own only.
    pub advertise: Option<String>,
    /// How long other nodes keep this one and its endpoints after its observer has ended or died, at least 2 s: what was
    /// attached goes on enforcing meanwhile. Default: 5 minutes.
    pub lease: Duration,
    /// How long the number of an identity rests before it is given to other labels. Default: 24 hours.
    pub identity_rest: Duration,
    /// Mode of endpoints that name none. Default: audit, which drops nothing.
    pub mode: Mode,
    /// Cilium's policy enforcement setting. Default: `default`.
    pub enforcement: Enforcement,
    /// The network namespace that holds the host ends of the veths: a file such as `/run/netns/node`. Default: the
    /// observer's own.
    pub namespace: Option<PathBuf>,
    /// Addresses to serve. Default: `<state>/observer.sock` and `127.0.0.1:4244`.
    pub listen: Vec<Listen>,
    /// Who may be able to reach a TCP listener. Default: this machine only.
    pub exposure: Exposure,
    /// Directory for sockets and numbers; it must live as long as bpffs does. Default: `/run/tycho`.
    pub state: PathBuf,
    /// What is pinned.
    pub pinning: Pinning,
    /// Bytes of the kernel's event ring: a power of two, at least a page. Default: 4 MiB.
    pub ring_bytes: u32,
    /// Flows held in memory, 128 bytes each. Default: 1,048,576.
    pub flows: u64,
    /// How much is told of allowed traffic.
    pub aggregation: Aggregation,
    /// Time between two traces of one direction of a connection. Default: 5 s.
    pub trace_interval: Duration,
    /// Drop events per second, endpoint and reason; what is beyond comes as summaries. 0 is unlimited. Default: 1,000.
    pub drop_events_per_second: u32,
    /// Whether traffic between the node and its own endpoints passes before policy. Default: true.
    pub local_host_passes: bool,
    /// Take the programs off when the observer ends. Default: false: enforcement goes on.
    pub detach_on_exit: bool,
    /// How far the clock of the flows is set off from the machine's, in nanoseconds, for tests of clocks that disagree.
    /// Default: none.
    pub clock_offset_ns: i64,
    /// A pause between two drains of the ring, for tests that need a reader that is too slow. Default: none.
    pub drain_delay: Duration,
}

impl Config {
    /// The defaults, for this endpoint file.
    #[must_use]
    pub fn new(endpoints: PathBuf) -> Self {
        let state = PathBuf::from(DEFAULT_STATE);
        Self {
            node: None,
            endpoints,
            policies: None,
            api_directory: None,
            labels: None,
            label_filter: None,
            registry: None,
            registry_tls: EtcdTls::default(),
            registry_login: None,
            advertise: None,
            lease: DEFAULT_LEASE,
            identity_rest: DEFAULT_IDENTITY_REST,
            mode: Mode::Audit,
            enforcement: Enforcement::Default,
            namespace: None,
            listen: default_listen(&state),
            exposure: Exposure::LoopbackOnly,
            state,
            pinning: Pinning::Default,
            ring_bytes: 4 << 20,
            flows: flow::store::DEFAULT_CAPACITY,
            aggregation: Aggregation::Connection,
            trace_interval: Duration::from_secs(5),
            drop_events_per_second: 1_000,
            local_host_passes: true,
            detach_on_exit: false,
            clock_offset_ns: 0,
            drain_delay: Duration::ZERO,
        }
    }
}

impl Config {
    /// The directory for what the API adds.
    #[must_use]
    pub fn api_directory(&self) -> PathBuf {
        let beside = || self.endpoints.with_file_name("api");
        self.api_directory.clone().unwrap_or_else(beside)
    }
}

impl Config {
    /// How the node `cluster/node` takes part in the registry.
    pub(crate) fn registry_settings(&self, node_name: &str) -> RegistrySettings {
        let shared = || {
            let directory = self.state.join("registry");
            RegistryUrl::File(std::path::absolute(&directory).unwrap_or(directory))
        };
        let url = self.registry.clone().unwrap_or_else(shared);
        let node = node_name.rsplit('/').next().unwrap_or(node_name);
        RegistrySettings {
            state: Some(self.state.join(node)),
            rest: self.identity_rest,
            lease: self.lease,
            tls: self.registry_tls.clone(),
            login: self.registry_login.clone(),
            ..RegistrySettings::for_node(url, node_name)
        }
    }
}

/// The addresses that are served unless configured otherwise.
#[must_use]
pub fn default_listen(state: &Path) -> Vec<Listen> {
    let tcp = DEFAULT_TCP.parse();
    vec![
        Listen::Unix(state.join("observer.sock")),
        tcp.expect("the default address parses: a test starts with it"),
    ]
}

/// The file of a namespace: a name is one below `/run/netns`, as `ip netns` has it.
#[must_use]
pub fn namespace_path(name_or_path: &str) -> PathBuf {
    if name_or_path.contains('/') {
        PathBuf::from(name_or_path)
    } else {
        Path::new("/run/netns").join(name_or_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_name_or_a_path() {
        for (text, expect) in [
            ("node", "/run/netns/node"),
            ("/proc/7/ns/net", "/proc/7/ns/net"),
            ("./x", "./x"),
        ] {
            assert_eq!(namespace_path(text), Path::new(expect), "{text}");
        }
    }

    #[test]
    fn what_the_api_adds_lies_beside_the_endpoint_file() {
        let mut config = Config::new(PathBuf::from("/etc/tycho/endpoints.yaml"));
        assert_eq!(config.api_directory(), Path::new("/etc/tycho/api"));
        config.endpoints = PathBuf::from("endpoints.yaml");
        assert_eq!(config.api_directory(), Path::new("api"));
        config.api_directory = Some(PathBuf::from("/var/lib/x"));
        assert_eq!(config.api_directory(), Path::new("/var/lib/x"));
    }

    #[test]
    fn the_default_addresses() {
        let config = Config::new(PathBuf::from("endpoints.yaml"));
        let shown: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["unix:///run/tycho/observer.sock", DEFAULT_TCP]);
    }
}
