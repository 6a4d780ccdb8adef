//! A real etcd on loopback, with a data directory of its own.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a start may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// One etcd. It ends when this is dropped.
pub(crate) struct Etcd {
    directory: TempDir,
    pub(crate) port: u16,
    peer_port: u16,
    arguments: Vec<String>,
    process: Option<Child>,
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Etcd {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments.
    pub(crate) fn start_with(arguments: &[String]) -> Self {
        let mut etcd = Self {
            directory: tempfile::tempdir().unwrap(),
            port: free_port(),
            peer_port: free_port(),
            arguments: arguments.to_vec(),
            process: None,
        };
        etcd.resume();
        etcd
    }

    pub(crate) fn url(&self) -> String {
        format!("etcd://127.0.0.1:{}", self.port)
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts it on what data there is.
    pub(crate) fn resume(&mut self) {
        assert!(self.process.is_none(), "it runs");
        let scheme = match self.arguments.iter().any(|one| one == "--cert-file") {
            true => "https",
            false => "http",
        };
        let client = format!("{scheme}://127.0.0.1:{}", self.port);
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = Command::new("etcd");
        command
            .arg("--data-dir")
            .arg(self.data())
            .args(["--listen-client-urls", &client])
            .args(["--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer])
            .args(["--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--logger", "zap", "--log-level", "error"])
            .args(&self.arguments)
            .env("GOMAXPROCS", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().expect(
            "these tests need etcd: `cargo xtask setup` installs it, or `apt-get install etcd-server etcd-client`",
        );
        self.process = Some(process);
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&mut self) {
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "etcd has ended: {ended:?}");
            assert!(begin.elapsed() < PATIENCE, "etcd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once. Its data stays.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Removes its data, while it is stopped.
    pub(crate) fn wipe(&self) {
        assert!(self.process.is_none(), "it runs");
        std::fs::remove_dir_all(self.data()).unwrap();
    }

    /// Runs `etcdctl` on it, and says what that printed.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let output = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &format!("http://127.0.0.1:{}", self.port)])
            .args(arguments)
            .output()
            .expect("these tests need etcdctl: `apt-get install etcd-client`");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Its revision.
    pub(crate) fn revision(&self) -> u64 {
        let status = self.ctl(&["endpoint", "status", "-w", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        status[0]["Status"]["header"]["revision"].as_u64().unwrap()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.stop();
    }
}
