//! A way to etcd that can swallow everything, as a network does that loses packets: nothing is refused or closed.

use std::sync::Arc;

use daemon::tasks::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The way.
pub(crate) struct Proxy {
    port: u16,
    passes: Arc<watch::Sender<bool>>,
    tasks: Tasks,
}

impl Proxy {
    /// To a port of this machine.
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let passes = Arc::new(watch::Sender::new(true));
        let tasks = Tasks::new();
        let (inner, gate) = (tasks.clone(), Arc::clone(&passes));
        let cancel = tasks.cancellation();
        tasks.spawn("accept", async move {
            let accept = async {
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    let cancel = inner.cancellation();
                    let gate = gate.subscribe();
                    inner.spawn("forward", async move {
                        let forward = forward(client, to, gate);
                        drop(cancel.run_until_cancelled(forward).await);
                    });
                }
            };
            let ended: Option<std::convert::Infallible> = cancel.run_until_cancelled(accept).await;
            assert!(ended.is_none());
        });
        Self {
            port,
            passes,
            tasks,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("etcd://127.0.0.1:{}", self.port)
    }

    /// From now on nothing arrives.
    pub(crate) fn swallow(&self) {
        self.passes.send_replace(false);
    }

    /// Connections that are opened from now on work again; what was swallowed is lost, and so are its connections.
    pub(crate) fn pass(&self) {
        self.passes.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.cancellation().cancel();
    }
}

async fn forward(client: TcpStream, to: u16, gate: watch::Receiver<bool>) -> std::io::Result<()> {
    let mut passes = gate.clone();
    // Like a SYN that nobody answers.
    passes
        .wait_for(|passes| *passes)
        .await
        .map_err(std::io::Error::other)?;
    let server = TcpStream::connect(("127.0.0.1", to)).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (one, other) = tokio::join!(
        copy(from_client, to_server, gate.clone()),
        copy(from_server, to_client, gate),
    );
    one.and(other)
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    gate: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    let mut swallowed = false;
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        swallowed |= !*gate.borrow();
        if !swallowed {
            to.write_all(&bytes[..count]).await?;
        }
    }
}
