//! `tycho observer`: the per-node agent, until a signal ends it.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use daemon::config::{Size, Span};
use daemon::listen::Listen;
use observer::config::{DEFAULT_STATE, default_listen, namespace_path};
use observer::{Aggregation, Config, Enforcement, LabelFilter, Mode, Pinning, RegistryUrl};

use crate::registry::etcd_flags::EtcdFlags;
use crate::serving::{self, LogArgs};
use crate::tls_flags::ServerTlsFlags;

/// Options of `tycho observer`.
#[derive(Debug, clap::Args)]
pub(crate) struct ObserverArgs {
    /// The endpoint file: which workloads this node has, by interface, addresses and labels
    #[arg(long, value_name = "FILE")]
    endpoints: PathBuf,
    /// Directory of policy manifests (YAML or JSON); without one, everything is allowed
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Directory for the endpoints and policies that are added by calls (`tycho endpoint add`, `tycho
    /// policy import`); they survive a restart [default: `api` beside the endpoint file]
    #[arg(long, value_name = "DIR")]
    api_directory: Option<PathBuf>,
    /// Which labels make an identity, in place of the defaults: patterns `[!][source:]key[*]`, the first
    /// that matches decides, `!` leaves out (`!pod-template-hash k8s:app*`)
    #[arg(long, value_name = "PATTERNS", conflicts_with = "label_filter", value_parser = labels, allow_hyphen_values = true)]
    labels: Option<LabelFilter>,
    /// The same from a file, one pattern per line, `#` begins a comment; followed while running
    #[arg(long, value_name = "FILE")]
    label_filter: Option<PathBuf>,
    /// How long the number of an identity that nobody has any more rests before it is given again
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    identity_rest: Span,
    /// Mode of endpoints that name none: `audit` and `off` never drop anything
    #[arg(long, default_value = "audit", value_parser = mode())]
    mode: Mode,
    /// Which endpoints policies isolate: `default` those that a policy selects, `always`, `never`
    #[arg(long, default_value = "default", value_parser = enforcement())]
    policy_enforcement: Enforcement,
    /// Name of this node, in place of the endpoint file's
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Network namespace with the host ends of the veths: a name below /run/netns, or a path
    #[arg(long, value_name = "NAME|PATH")]
    netns: Option<String>,
    /// Address to serve; can be repeated; one that other machines can reach needs TLS [default: unix://STATE/observer.sock and 127.0.0.1:4244]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<Listen>,
    /// Directory for the socket and the node's numbers; must live as long as bpffs does
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STATE)]
    state: PathBuf,
    /// Directory of the pins, on bpffs [default: /sys/fs/bpf/tycho/NODE]
    #[arg(long, value_name = "DIR", conflicts_with = "no_pins")]
    pins: Option<PathBuf>,
    /// Pin nothing: enforcement ends with this process
    #[arg(long)]
    no_pins: bool,
    /// Take the programs off at the end: enforcement ends with this process
    #[arg(long)]
    detach_on_exit: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    events: EventArgs,
    #[command(flatten)]
    tls: ServerTlsFlags,
    #[command(flatten)]
    log: LogArgs,
}

/// The other nodes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cluster")]
struct ClusterArgs {
    /// What all nodes share, endpoints, identities and policies: `file:/DIR` for the nodes of one
    /// machine, `etcd://HOST:PORT[,…][/PREFIX]`, `etcds://…` [default: `registry` in --state]
    #[arg(
        long,
        value_name = "URL",
        env = "TYCHO_REGISTRY",
        hide_env_values = true
    )]
    registry: Option<RegistryUrl>,
    /// How other nodes and relays reach this one [default: its TCP address, unless that is loopback]
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    advertise: Option<String>,
    /// How long others keep this node's endpoints after its observer has ended or died; what is
    /// attached goes on enforcing meanwhile
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    lease: Span,
    #[command(flatten)]
    etcd: EtcdFlags,
}

/// What the kernel tells, and how much of it is kept.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Events")]
struct EventArgs {
    /// Flows kept in memory (128 bytes each)
    #[arg(long, value_name = "COUNT", default_value_t = flow_capacity())]
    flows: u64,
    /// Size of the kernel's event ring, a power of two
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = ring_bytes)]
    ring: u32,
    /// What is told of allowed traffic: per `connection` its first packets, milestones and sums, or
    /// every packet (`none`)
    #[arg(long, default_value = "connection", value_parser = aggregation())]
    aggregation: Aggregation,
    /// Time between two traces of one direction of a connection
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    trace_interval: Span,
    /// Drop events per second, endpoint and reason; the rest comes as summaries. 0 is unlimited
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    drop_events: u32,
    /// Judge traffic between the node and its own endpoints like any other
    #[arg(long)]
    no_local_host: bool,
    /// Pause between two reads of the ring: makes a reader that is too slow, for tests
    #[arg(long, value_name = "DURATION", default_value = "0", hide = true)]
    drain_delay: Span,
    /// Set the clock of the flows off by so many milliseconds, ahead or (negative) back: makes clocks that
    /// disagree, for tests
    #[arg(
        long,
        value_name = "MILLISECONDS",
        default_value_t = 0,
        hide = true,
        allow_negative_numbers = true
    )]
    clock_offset: i64,
}

/// Runs the observer until SIGINT or SIGTERM.
pub(crate) fn run(args: ObserverArgs) -> anyhow::Result<()> {
    args.log.init()?;
    let config = args.config()?;
    serving::until_signal(None, |tasks| observer::run(config, tasks))
}

impl ObserverArgs {
    fn config(self) -> anyhow::Result<Config> {
        let listen = if self.listen.is_empty() {
            default_listen(&self.state)
        } else {
            self.listen
        };
        let pinning = match self.pins {
            Some(directory) => Pinning::At(directory),
            None if self.no_pins => Pinning::Off,
            None => Pinning::Default,
        };
        let (registry_tls, registry_login) = self.cluster.etcd.access()?;
        Ok(Config {
            node: self.node,
            policies: self.policies,
            api_directory: self.api_directory,
            labels: self.labels,
            label_filter: self.label_filter,
            registry: self.cluster.registry,
            registry_tls,
            registry_login,
            advertise: self.cluster.advertise,
            lease: self.cluster.lease.0,
            identity_rest: self.identity_rest.0,
            mode: self.mode,
            enforcement: self.policy_enforcement,
            namespace: self.netns.as_deref().map(namespace_path),
            listen,
            exposure: self.tls.exposure()?,
            state: self.state,
            pinning,
            ring_bytes: self.events.ring,
            flows: self.events.flows,
            aggregation: self.events.aggregation,
            trace_interval: self.events.trace_interval.0,
            drop_events_per_second: self.events.drop_events,
            local_host_passes: !self.events.no_local_host,
            detach_on_exit: self.detach_on_exit,
            drain_delay: self.events.drain_delay.0,
            clock_offset_ns: self.events.clock_offset.saturating_mul(1_000_000),
            ..Config::new(self.endpoints)
        })
    }
}

fn flow_capacity() -> u64 {
    Config::new(PathBuf::new()).flows
}

/// The kernel takes only powers of two that are whole pages.
fn ring_bytes(text: &str) -> Result<u32, String> {
    let size: Size = text
        .parse()
        .map_err(|error: daemon::config::ValueError| error.to_string())?;
    u32::try_from(size.bytes)
        .ok()
        .filter(|bytes| bytes.is_power_of_two() && (4_096..=1 << 30).contains(bytes))
        .ok_or_else(|| "a ring is a power of two from 4KiB to 1GiB".to_owned())
}

/// Somewhere that can be dialled.
fn host_and_port(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok());
    let bracketed = text.starts_with('[') || !text.contains("::");
    match (parts, port) {
        (Some((host, _)), Some(1..)) if !host.is_empty() && bracketed => Ok(text.to_owned()),
        _ => Err("say HOST:PORT, an IPv6 address in brackets".to_owned()),
    }
}

/// Patterns with spaces between them.
fn labels(text: &str) -> Result<LabelFilter, String> {
    LabelFilter::new(text.split_whitespace()).map_err(|error| error.to_string())
}

fn mode() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["enforce", "audit", "off"]).map(|text| match text.as_str() {
        "enforce" => Mode::Enforce,
        "off" => Mode::Off,
        _ => Mode::Audit,
    })
}

fn enforcement() -> impl TypedValueParser<Value = Enforcement> {
    PossibleValuesParser::new(["default", "always", "never"]).map(|text| match text.as_str() {
        "always" => Enforcement::Always,
        "never" => Enforcement::Never,
        _ => Enforcement::Default,
    })
}

fn aggregation() -> impl TypedValueParser<Value = Aggregation> {
    PossibleValuesParser::new(["connection", "none"]).map(|text| match text.as_str() {
        "none" => Aggregation::None,
        _ => Aggregation::Connection,
    })
}
