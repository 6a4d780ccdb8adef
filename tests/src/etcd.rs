//! A real etcd, in whatever namespace it is wanted, with a data directory of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab::Namespace;
use tempfile::TempDir;

/// How long a start may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nobody else listens in a namespace of the tests.
const PORTS: [u16; 2] = [2379, 2380];

/// One etcd. It ends when this is dropped.
pub struct Etcd {
    directory: TempDir,
    /// The caller's own if none.
    namespace: Option<Namespace>,
    client: SocketAddr,
    peer: SocketAddr,
    process: Option<Child>,
}

impl Etcd {
    /// Starts one that listens at an address of a namespace of the tests, and waits until it does.
    pub fn start(namespace: &Namespace, address: IpAddr) -> Self {
        Self::start_at(Some(namespace.clone()), address, PORTS)
    }

    /// Starts one on loopback, at ports that nobody listens on.
    pub fn start_here() -> Self {
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let free = [(), ()].map(|()| TcpListener::bind((loopback, 0)).expect("a free port"));
        let ports = free.map(|one| one.local_addr().expect("it is bound").port());
        Self::start_at(None, loopback, ports)
    }

    fn start_at(namespace: Option<Namespace>, address: IpAddr, ports: [u16; 2]) -> Self {
        let [client, peer] = ports.map(|port| SocketAddr::new(address, port));
        let mut etcd = Self {
            directory: tempfile::tempdir().expect("a folder"),
            namespace,
            client,
            peer,
            process: None,
        };
        etcd.resume();
        etcd
    }

    /// What `--registry` says of it.
    pub fn url(&self) -> String {
        format!("etcd://{}", self.client)
    }

    /// Starts it again, on what data there is.
    pub fn resume(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let [client, peer] = [self.client, self.peer].map(|address| format!("http://{address}"));
        let mut command = Command::new("etcd");
        command
            .arg("--data-dir")
            .arg(self.directory.path().join("data"))
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--logger", "zap", "--log-level", "error"])
            .env("GOMAXPROCS", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(self.inside(|| command.spawn()).expect(
            "these tests need etcd: `cargo xtask setup` installs it, or `apt-get install etcd-server`",
        ));
        self.wait_until_it_listens();
    }

    /// `kill -9`. Its data stays.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it is ours");
        }
    }

    /// Removes its data, while it is stopped: what comes back is another cluster.
    pub fn wipe(&self) {
        assert!(self.process.is_none(), "it runs");
        let data = self.directory.path().join("data");
        std::fs::remove_dir_all(data).expect("it has data");
    }

    fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.namespace {
            Some(namespace) => namespace.run(work).expect("the namespace is there"),
            None => work(),
        }
    }

    fn wait_until_it_listens(&mut self) {
        let begin = Instant::now();
        let address = self.client;
        while !self.inside(|| TcpStream::connect(address).is_ok()) {
            let process = self.process.as_mut().expect("it was started");
            let ended = process.try_wait().expect("it is ours");
            assert!(ended.is_none(), "etcd has ended: {ended:?}");
            assert!(begin.elapsed() < PATIENCE, "etcd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}
