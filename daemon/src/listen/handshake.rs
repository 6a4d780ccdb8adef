//! TLS handshakes of a server: many at once, few enough, and none for long.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Listen;
use crate::causes::in_full;
use crate::tls::ServerTls;

/// Handshakes at once; further clients wait in the kernel's queue.
const HANDSHAKES_AT_MOST: usize = 64;
/// How long a handshake may take, and how long if all places are taken: clients that stall then make room.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_WHEN_FULL: Duration = Duration::from_secs(1);

/// The first byte of every handshake, and what a client is told that begins otherwise: a fatal alert, "unexpected
/// message" (RFC 8446, 5.1 and 6).
const HANDSHAKE_RECORD: u8 = 22;
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 10];

/// How long, and for how many bytes, a refused client is listened to. If bytes were left unread, the kernel would reset
/// the connection, and the client might never read why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 << 10;

/// At most one line of the log in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

type Shaking = Pin<Box<dyn Future<Output = Result<TlsStream<TcpStream>, Reason>> + Send>>;

/// The handshakes of one listener.
pub(super) struct Handshakes {
    tls: ServerTls,
    /// Oldest first.
    running: VecDeque<Handshake>,
    /// Rings when the oldest has had its time.
    timer: Option<Pin<Box<Sleep>>>,
    logged: Option<Instant>,
    unlogged: u64,
}

struct Handshake {
    shaking: Shaking,
    begun: Instant,
    remote: Option<SocketAddr>,
}

/// A client that will not be served.
pub(super) struct Refused {
    remote: Option<SocketAddr>,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("it does not speak TLS")]
    Plaintext,
    #[error("it hung up")]
    HungUp,
    #[error("it took too long")]
    Slow,
    #[error("the stream broke")]
    Failed(#[source] io::Error),
}

impl Handshakes {
    pub(super) fn new(tls: ServerTls) -> Self {
        Self {
            tls,
            running: VecDeque::with_capacity(HANDSHAKES_AT_MOST),
            timer: None,
            logged: None,
            unlogged: 0,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.running.len() < HANDSHAKES_AT_MOST
    }

    /// Begins one with the newest certificate.
    pub(super) fn begin(&mut self, stream: TcpStream) {
        self.running.push_back(Handshake {
            remote: stream.peer_addr().ok(),
            begun: Instant::now(),
            shaking: Box::pin(shake(self.tls.acceptor(), stream)),
        });
    }

    /// The next that ends, well or not.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<TlsStream<TcpStream>, Refused>> {
        for index in 0..self.running.len() {
            if let Poll::Ready(result) = self.running[index].shaking.as_mut().poll(context) {
                let remote = self.running.remove(index).and_then(|ended| ended.remote);
                return Poll::Ready(result.map_err(|reason| Refused { remote, reason }));
            }
        }
        let Some(oldest) = self.running.front() else {
            self.timer = None;
            return Poll::Pending;
        };
        let patience = match self.has_room() {
            true => PATIENCE,
            false => PATIENCE_WHEN_FULL,
        };
        let deadline = oldest.begun + patience;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let remote = self.running.pop_front().and_then(|slow| slow.remote);
        Poll::Ready(Err(Refused {
            remote,
            reason: Reason::Slow,
        }))
    }

    /// Writes down why a client is not served, but not more often than people can read.
    pub(super) fn log(&mut self, address: &Listen, refused: Refused) {
        let now = Instant::now();
        if self.logged.is_some_and(|last| now < last + LOG_INTERVAL) {
            self.unlogged += 1;
            return;
        }
        self.logged = Some(now);
        let unlogged = std::mem::take(&mut self.unlogged);
        let remote = refused.remote.map(tracing::field::display);
        tracing::warn!(%address, remote, unlogged, reason = in_full(&refused.reason), "a TLS handshake failed");
    }
}

async fn shake(
    acceptor: TlsAcceptor,
    mut stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Reason> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(0) => return Err(Reason::HungUp),
        Ok(_) if first[0] != HANDSHAKE_RECORD => {
            stream.write_all(&ALERT).await.map_err(Reason::Failed)?;
            linger(stream).await;
            return Err(Reason::Plaintext);
        }
        Ok(_) => {}
        Err(error) => return Err(Reason::Failed(error)),
    }
    match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, stream)) => {
            linger(stream).await;
            Err(match error.kind() {
                io::ErrorKind::UnexpectedEof => Reason::HungUp,
                _ => Reason::Failed(error),
            })
        }
    }
}

/// Lets the client read what was sent last.
async fn linger(mut stream: TcpStream) {
    let listen = async {
        stream.shutdown().await?;
        let mut rest = stream.take(LINGER_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // Whether it reads or not, it was told.
    timeout(LINGER, listen).await.ok();
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes")
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
