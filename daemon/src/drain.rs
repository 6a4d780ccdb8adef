//! Ending a server: accept nothing new, let what runs end, cut what does not end in time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How long a server drains after the first signal, unless configured otherwise.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long cut connections get to notice.
const CUT_TIMEOUT: Duration = Duration::from_secs(1);

/// The drain of one server, shared by its listeners and its streams. Clones share it.
#[derive(Clone, Debug)]
pub struct Drain {
    stop: CancellationToken,
    cut: CancellationToken,
    open: TaskTracker,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had to be cut.
    pub cut: usize,
}

impl Drain {
    /// A drain that begins when `stop` is cancelled (`Tasks::cancellation`).
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            cut: CancellationToken::new(),
            open: TaskTracker::new(),
        }
    }

    /// Cancelled when the drain begins. A stream that follows forever selects on it and ends
    /// with its last message; a finite one goes on.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Completes when the drain begins: the shutdown signal of tonic's
    /// `serve_with_incoming_shutdown`.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.open.len()
    }

    /// Waits for the drain to begin, then for every connection to end; after `timeout` the rest
    /// is cut.
    pub async fn finish(&self, timeout: Duration) -> Drained {
        self.stop.cancelled().await;
        self.open.close();
        if tokio::time::timeout(timeout, self.open.wait())
            .await
            .is_ok()
        {
            return Drained { cut: 0 };
        }
        let cut = self.open.len();
        tracing::warn!(
            connections = cut,
            ?timeout,
            "cutting connections that did not end in time"
        );
        self.cut.cancel();
        if tokio::time::timeout(CUT_TIMEOUT, self.open.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = self.open.len(),
                "connections did not notice the cut"
            );
        }
        Drained { cut }
    }

    /// Cancelled when the connections that are left are cut.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.cut.clone()
    }

    /// Counts a connection as open until the token is dropped.
    pub(crate) fn opened(&self) -> TaskTrackerToken {
        self.open.token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Health;
    use crate::listen::{Exposure, Listen, Peer};
    use crate::tasks::Tasks;
    use futures_util::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpStream, UnixStream};

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn an_open_connection_is_cut_and_a_closed_one_is_not() {
        for (closes, expect) in [(true, 0), (false, 1)] {
            let stop = CancellationToken::new();
            let drain = Drain::new(stop.clone());
            let listen: Listen = "127.0.0.1:0".parse().unwrap();
            let bound = listen.bind(Exposure::LoopbackOnly).await.unwrap();
            let mut client = TcpStream::connect(bound.tcp_address().unwrap())
                .await
                .unwrap();
            let mut connections = bound.connections(&drain);
            let mut served = connections.next().await.unwrap().unwrap();
            assert!(matches!(served.peer(), Peer::Tcp { remote: Some(_) }));
            client.write_all(b"hello").await.unwrap();
            let echo = async move {
                let mut text = [0; 5];
                served.read_exact(&mut text).await.unwrap();
                let end = if closes {
                    Ok(0)
                } else {
                    served.read(&mut text).await
                };
                (text, end.map_err(|error| error.kind()))
            };
            stop.cancel();
            let (drained, (text, end)) = tokio::time::timeout(LONG, async {
                tokio::join!(drain.finish(Duration::from_millis(50)), echo)
            })
            .await
            .unwrap();
            assert_eq!(&text, b"hello");
            assert_eq!(drained, Drained { cut: expect });
            assert_eq!(end.is_err(), !closes, "{end:?}");
            assert!(
                connections.next().await.is_none(),
                "nothing is accepted any more"
            );
            assert_eq!(drain.open_connections(), 0);
        }
    }

    #[tokio::test]
    async fn a_grpc_server_on_a_unix_socket_answers_and_drains() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let tasks = Tasks::new();
        let drain = Drain::new(tasks.cancellation());
        let health = Health::starting().await;
        health.serving().await;
        let bound = Listen::Unix(path.clone())
            .bind(Exposure::LoopbackOnly)
            .await
            .unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(health.service())
            .serve_with_incoming_shutdown(bound.connections(&drain), drain.begun());
        let served = tasks.spawn("grpc", server);

        let uri = format!("unix://{}", path.display());
        let channel = tonic::transport::Endpoint::from_shared(uri)
            .unwrap()
            .connect()
            .await
            .unwrap();
        let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
        let request = tonic_health::pb::HealthCheckRequest {
            service: String::new(),
        };
        let answer = client.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status, 1);

        // A client that never speaks HTTP/2 must not hold up the end.
        let mut silent = UnixStream::connect(&path).await.unwrap();
        while drain.open_connections() < 2 {
            tokio::task::yield_now().await;
        }
        tasks.cancellation().cancel();
        tokio::time::timeout(LONG, drain.finish(Duration::from_millis(100)))
            .await
            .unwrap();
        tasks.shutdown(LONG).await.unwrap();
        served.await.unwrap().unwrap();
        let mut byte = [0];
        while silent.read(&mut byte).await.is_ok_and(|count| count > 0) {}
        assert!(!path.exists(), "the socket is removed");
    }
}
