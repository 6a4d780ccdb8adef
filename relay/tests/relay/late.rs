//! Nodes that do not answer in time hold nobody back for longer than the bound, and are named.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use daemon::tasks::Tasks;
use relay::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::fixture::{TestNode, TestRelay, all, follow, named, show};

/// A way to a port that can be cut, or can stop to carry anything.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    stopped: Arc<AtomicBool>,
    cuts: watch::Sender<u64>,
    tasks: Tasks,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tasks = Tasks::new();
        let stopped = Arc::new(AtomicBool::new(false));
        let cuts = watch::Sender::new(0);
        let (accepting, flag, cut) = (tasks.clone(), Arc::clone(&stopped), cuts.clone());
        tasks.spawn("proxy", async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                let (flag, mut cut) = (Arc::clone(&flag), cut.subscribe());
                accepting.spawn("connection", async move {
                    let (near_read, near_write) = near.into_split();
                    let (far_read, far_write) = far.into_split();
                    tokio::select! {
                        () = carry(near_read, far_write, &flag) => {}
                        () = carry(far_read, near_write, &flag) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self {
            port,
            stopped,
            cuts,
            tasks,
        }
    }

    /// Breaks every connection; new ones are carried.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cut| *cut += 1);
    }

    /// Bytes vanish from now on, or (false) are carried again.
    pub(crate) fn stop(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
        self.cut();
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    stopped: &AtomicBool,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        while stopped.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_node_that_says_nothing_is_late_and_returns() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start("b", 10_000).await;
    let relay = TestRelay::with(Config {
        peers: vec![named("a", a.port), named("b", b.port)],
        late_bound: Duration::from_millis(300),
        ..Config::default()
    })
    .await;
    relay.connected(2).await;
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    a.beat();
    b.beat();
    // The drain of b has stopped: it answers, and promises nothing.
    a.live(1);
    assert_eq!(
        stream.status().await,
        "unavailable b (late: others do not wait for its flows for longer than 300ms)"
    );
    assert_eq!(stream.flow().await, "a:1");
    b.live(2);
    a.beat();
    assert_eq!(stream.flow().await, "b:2");
    // It is up to date again, so it is waited for again.
    let mut port = 10;
    loop {
        b.beat();
        a.beat();
        port += 1;
        a.live(port);
        let answer = stream.next().await.unwrap();
        match show(&answer).as_str() {
            "connected b" => break,
            flow => assert!(flow.starts_with("a:"), "{flow}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_node_whose_packets_vanish() {
    let mut a = TestNode::start("a", 10_000).await;
    let mut b = TestNode::start("b", 10_000).await;
    let proxy = Proxy::start(b.port).await;
    let relay = TestRelay::over(vec![named("a", a.port), named("b", proxy.port)], 2).await;
    for (node, port) in [(&mut a, 1), (&mut b, 2)] {
        node.live(port);
        node.settle_now().await;
    }
    let mut stream = relay.stream(follow()).await;
    assert_eq!(stream.status().await, "connected a,b");
    proxy.stop(true);
    // An answer of stored flows does not wait for it either.
    let answers = relay.answers(all()).await;
    let shown: Vec<String> = answers.iter().map(show).collect();
    assert!(shown.contains(&"a:1".to_owned()), "{shown:?}");
    assert!(
        shown.iter().any(|line| line.starts_with("unavailable b")),
        "{shown:?}"
    );
    b.live(3);
    a.live(4);
    let mut seen = Vec::new();
    while !seen.contains(&"unavailable b".to_owned()) {
        let answer = stream.next().await.unwrap();
        seen.push(show(&answer));
        a.beat();
    }
    assert!(seen.contains(&"a:4".to_owned()), "{seen:?}");
    proxy.stop(false);
    // It returns, with what it has seen meanwhile, once.
    let mut seen = Vec::new();
    while !seen.contains(&"b:3".to_owned()) {
        let answer = stream.next().await.unwrap();
        seen.push(show(&answer));
        a.beat();
    }
    b.live(5);
    a.beat();
    assert_eq!(stream.flow().await, "b:5");
}
