//! The relay with its page, as a process of its own, so that its time and memory can be told.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use daemon::tasks::Tasks;
use relay::Config;
use relay::page::{PageConfig, PageListen};

/// The role of such a process.
pub(crate) const ROLE: &str = "as-relay";

/// Ends when it is dropped.
pub(crate) struct RelayProcess {
    child: Child,
    pub(crate) api: u16,
    pub(crate) page: u16,
}

/// Serves until the input ends: the page's port, then the nodes' addresses.
pub(crate) fn run(arguments: &[String]) {
    let (port, peers) = arguments.split_first().expect("a port and addresses");
    let peers = peers.iter().map(|peer| peer.parse().expect("an address"));
    let page = format!("127.0.0.1:{port}");
    let config = Config {
        peers: peers.collect(),
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        page: PageConfig {
            listen: PageListen::At(vec![page.parse().expect("an address")]),
            ..PageConfig::default()
        },
        ..Config::default()
    };
    super::runtime().block_on(async {
        let tasks = Tasks::new();
        let bound = relay::bind(&config).await.expect("free ports");
        let port =
            |bound: &[daemon::listen::Bound]| bound[0].tcp_address().expect("it is TCP").port();
        println!("{} {}", port(&bound.api), port(&bound.page));
        tasks.spawn("relay", relay::serve(config, bound, tasks.clone()));
        tokio::task::block_in_place(|| {
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
                .expect("the input can be read");
        });
    });
    std::process::exit(0);
}

impl RelayProcess {
    pub(crate) fn start(peers: &[String], page_port: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args([ROLE, page_port])
            .args(peers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("it prints its ports");
        let ports: Vec<u16> = line
            .split_whitespace()
            .map(|port| port.parse().expect("a port"))
            .collect();
        Self {
            child,
            api: ports[0],
            page: ports[1],
        }
    }

    /// Processor time so far, of all threads (proc(5): utime and stime, ticks of 10 ms).
    pub(crate) fn processor_time(&self) -> Duration {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it lives");
        let after_name = stat.rsplit(')').next().expect("the name is in brackets");
        let ticks = after_name.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|ticks| ticks.parse().unwrap_or(0)).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory without what is shared with files.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let statm =
            std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).expect("it lives");
        let pages: Vec<u64> = statm
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        (pages[1] - pages[2]) * 4_096
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends when its input does");
    }
}
