//! `tycho relay`: one ordered stream of all nodes, until a signal ends it.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use daemon::config::Span;
use daemon::connect::{Address, ClientTls};
use daemon::listen::Listen;
use daemon::tls::CertificateFiles;
use registry::cluster::{RegistrySettings, RegistryUrl};
use relay::Config;
use relay::config::{DEFAULT_TCP, NamedAddress};
use relay::page::{DEFAULT_PAGE, PageConfig, PageListen, PageName, PagePrefix};

use crate::registry::etcd_flags::EtcdFlags;
use crate::serving::{self, LogArgs};
use crate::tls_flags::ServerTlsFlags;

/// Options of `tycho relay`.
#[derive(Debug, clap::Args)]
pub(crate) struct RelayArgs {
    #[command(flatten)]
    peers: PeerArgs,
    /// Name of this relay, for a relay above it
    #[arg(long, value_name = "NAME", default_value = "relay")]
    name: String,
    /// Address to serve; can be repeated
    #[arg(long, value_name = "ADDRESS", default_value = DEFAULT_TCP)]
    listen: Vec<Listen>,
    /// Listen in this network namespace (`/run/netns/NAME`, `/proc/PID/ns/net`), and reach peers in the
    /// one that the relay runs in
    #[arg(long, value_name = "PATH")]
    listen_netns: Option<PathBuf>,
    /// Clients that may read streams at the same time; more are refused
    #[arg(long, value_name = "COUNT", default_value_t = Config::default().streams)]
    max_streams: usize,
    /// Threads that merge and serve. A flow that stays on one thread takes a third less of the processor;
    /// more are for several clients that read all that is stored at the same time
    #[arg(long, value_name = "COUNT", default_value = "1")]
    threads: NonZeroUsize,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    peer_tls: PeerTlsArgs,
    #[command(flatten)]
    order: OrderArgs,
    #[command(flatten)]
    etcd: EtcdFlags,
    #[command(flatten)]
    tls: ServerTlsFlags,
    #[command(flatten)]
    log: LogArgs,
}

/// Where nodes are learnt of; all of them together, the first goes if two name the same node.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Peers")]
struct PeerArgs {
    /// A node's observer (Tycho's or Hubble's), or another relay: ADDRESS or CLUSTER/NODE=ADDRESS, where
    /// ADDRESS is host:port, tls://host:port or unix:///path; can be repeated. The certificate of a node that
    /// is named must have the name NODE.CLUSTER.tycho, that of another the host of the address
    #[arg(long, value_name = "[NAME=]ADDRESS")]
    peer: Vec<NamedAddress>,
    /// A file with one of these in each line, `#` begins a comment; followed while running
    #[arg(long, value_name = "FILE")]
    peers_file: Option<PathBuf>,
    #[arg(
        long,
        value_name = "URL",
        env = "TYCHO_REGISTRY",
        hide_env_values = true,
        help = "The registry whose nodes are peers: file:/directory or etcd://host:port[,…][/prefix]; followed while running"
    )]
    registry: Option<RegistryUrl>,
    /// A server that tells which nodes there are (Hubble's peer service)
    #[arg(long, value_name = "ADDRESS")]
    peer_service: Option<Address>,
}

/// The web page: where it is, and what it is called there.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web page")]
struct PageArgs {
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "no_page",
        help = format!("Address to serve the page and the API to browsers; can be repeated [default: {DEFAULT_PAGE}, if it is free]")
    )]
    page: Vec<Listen>,
    /// Serve no page
    #[arg(long)]
    no_page: bool,
    /// The path under which a proxy shows the page; the proxy may take it off or leave it
    #[arg(long, value_name = "/PATH")]
    page_prefix: Option<PagePrefix>,
    /// A name by which people reach the page, besides `localhost` and addresses; can be repeated. Without
    /// TLS a request under another name is refused: other sites could let their names stand for this machine
    #[arg(long, value_name = "NAME")]
    page_name: Vec<PageName>,
}

impl PageArgs {
    fn config(self) -> PageConfig {
        PageConfig {
            listen: match self.page.is_empty() && !self.no_page {
                true => PageListen::DefaultIfFree,
                false => PageListen::At(self.page),
            },
            prefix: self.page_prefix.unwrap_or_default(),
            names: self.page_name,
        }
    }
}

/// How peers are known that are spoken to by TLS, and how the relay is known to them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS of peers")]
struct PeerTlsArgs {
    /// CAs (PEM) that sign the certificates of peers, in place of those that this machine trusts
    #[arg(long, value_name = "FILES", value_delimiter = ',')]
    peer_tls_ca_cert_files: Vec<PathBuf>,
    /// Certificate (PEM) to show to peers
    #[arg(long, value_name = "FILE", requires = "peer_tls_key_file")]
    peer_tls_cert_file: Option<PathBuf>,
    /// Its private key (PEM, unencrypted)
    #[arg(long, value_name = "FILE", requires = "peer_tls_cert_file")]
    peer_tls_key_file: Option<PathBuf>,
    /// Take whatever certificates peers have: encrypted, but nobody knows to whom
    #[arg(long)]
    peer_tls_allow_insecure: bool,
}

impl PeerTlsArgs {
    fn tls(self) -> ClientTls {
        let certificate = self.peer_tls_cert_file.zip(self.peer_tls_key_file);
        ClientTls {
            authorities: self.peer_tls_ca_cert_files,
            certificate: certificate
                .map(|(certificate, key)| CertificateFiles { certificate, key }),
            server_name: None,
            allow_insecure: self.peer_tls_allow_insecure,
        }
    }
}

/// What the order of flows waits for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Order")]
struct OrderArgs {
    /// How long one node may keep the flows of the others back; after that its flows come when they come,
    /// and the stream says so
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    late: Span,
    /// How far clocks may be apart; the flows of a node beyond that are merged by corrected times, and the
    /// stream says so
    #[arg(long, value_name = "DURATION", default_value = "500ms")]
    skew: Span,
}

/// Runs the relay until SIGINT or SIGTERM.
pub(crate) fn run(args: RelayArgs) -> anyhow::Result<()> {
    args.log.init()?;
    let threads = args.threads;
    let config = args.config()?;
    serving::until_signal(Some(threads), |tasks| relay::run(config, tasks))
}

impl RelayArgs {
    fn config(self) -> anyhow::Result<Config> {
        let registry = match self.peers.registry {
            Some(url) => Some(self.etcd.apply(RegistrySettings::new(url))?),
            None => None,
        };
        Ok(Config {
            name: self.name,
            peers: self.peers.peer,
            peers_file: self.peers.peers_file,
            registry,
            peer_service: self.peers.peer_service,
            listen: self.listen,
            page: self.page.config(),
            listen_namespace: self.listen_netns,
            exposure: self.tls.exposure()?,
            peer_tls: Some(self.peer_tls.tls()),
            skew_bound: self.order.skew.0,
            late_bound: self.order.late.0,
            streams: self.max_streams,
            dashboard: false,
        })
    }
}
