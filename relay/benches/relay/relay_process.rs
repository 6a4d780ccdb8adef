//! The relay, as its own process: on one thread, as `tycho relay` unless it is told otherwise.

use std::path::Path;

use daemon::connect::ClientTls;
use daemon::listen::Exposure;
use daemon::tasks::Tasks;
use daemon::tls::{CertificateFiles, ServerFiles, ServerTls};
use relay::Config;
use relay::config::NamedAddress;
use relay::page::{PageConfig, PageListen};

use crate::process::serve_until_end;

/// The role of such a process.
pub(crate) const ROLE: &str = "as-relay";

/// Serves until the input ends. The first argument is where certificates are, or empty; the others are ports.
pub(crate) fn run(arguments: &[String]) {
    let (directory, ports) = arguments.split_first().expect("a directory and ports");
    let directory = Some(Path::new(directory)).filter(|path| !path.as_os_str().is_empty());
    let scheme = if directory.is_some() { "tls://" } else { "" };
    let peers = ports.iter().map(|port| {
        let address = format!("{scheme}127.0.0.1:{port}");
        address.parse::<NamedAddress>().expect("an address")
    });
    let certificate = |directory: &Path| CertificateFiles {
        certificate: directory.join("node.pem"),
        key: directory.join("node-key.pem"),
    };
    let config = Config {
        peers: peers.collect(),
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        page: PageConfig {
            listen: PageListen::At(Vec::new()),
            ..PageConfig::default()
        },
        peer_tls: directory.map(|directory| ClientTls {
            authorities: vec![directory.join("ca.pem")],
            certificate: Some(certificate(directory)),
            ..ClientTls::default()
        }),
        exposure: match directory {
            Some(directory) => Exposure::Tls(
                ServerTls::load(ServerFiles {
                    certificate: certificate(directory),
                    client_authorities: vec![directory.join("ca.pem")],
                })
                .expect("the certificates are good"),
            ),
            None => Exposure::LoopbackOnly,
        },
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let tasks = Tasks::new();
        let bound = relay::bind(&config).await.expect("a free port");
        let port = bound.api[0].tcp_address().expect("it is TCP").port();
        tasks.spawn("relay", relay::serve(config, bound, tasks.clone()));
        tokio::task::block_in_place(|| serve_until_end(&[port]));
    });
    std::process::exit(0);
}
