//! The end of a connection: what was written last is read by the other side, also while it still writes.
//!
//! Whoever closes a socket with unread bytes in it resets the connection, and one who writes to a closed socket learns
//! that before it has read what was there for it. So the writing half is closed first, and the rest when the other side
//! has closed too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long the other side may take. Shorter than a server drains, so that nobody is cut who has everything.
const LINGER: Duration = Duration::from_secs(2);

/// How far it is.
#[derive(Debug, Default)]
pub(super) enum Linger {
    /// The writing half is open.
    #[default]
    Open,
    /// It is closed; the other side has this time to close its own.
    Waiting(Pin<Box<Sleep>>),
    Done,
}

impl Linger {
    /// Closes the writing half, and waits for the other side.
    pub(super) fn poll<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self {
                Self::Open => {
                    ready!(stream.as_mut().poll_shutdown(context))?;
                    *self = Self::Waiting(Box::pin(sleep(LINGER)));
                }
                Self::Waiting(timer) => {
                    if discard(stream.as_mut(), context).is_pending() {
                        ready!(timer.as_mut().poll(context));
                    }
                    *self = Self::Done;
                }
                Self::Done => return Poll::Ready(Ok(())),
            }
        }
    }
}

/// Reads to the end. A stream that breaks has ended too.
fn discard<S: AsyncRead>(mut stream: Pin<&mut S>, context: &mut Context<'_>) -> Poll<()> {
    let mut bytes = [0; 4_096];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        match ready!(stream.as_mut().poll_read(context, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {}
            Ok(()) | Err(_) => return Poll::Ready(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpStream, UnixStream};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::drain::Drain;
    use crate::listen::{Connection, Exposure, Listen};

    /// Accepts one connection, of which the server reads nothing.
    async fn accept(listen: &str) -> (impl Future<Output = Connection> + use<>, Option<u16>) {
        let drain = Drain::new(CancellationToken::new());
        let listen: Listen = listen.parse().unwrap();
        let bound = listen.bind(Exposure::LoopbackOnly).await.unwrap();
        let port = bound.tcp_address().map(|address| address.port());
        let mut connections = bound.connections(&drain);
        let accepted = async move { connections.next().await.unwrap().unwrap() };
        (accepted, port)
    }

    /// The server says its last word while the client still talks.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, mut server: Connection) {
        client.write_all(&[7; 100]).await.unwrap();
        let server = async {
            server.write_all(b"the last").await.unwrap();
            server.shutdown().await.unwrap();
            drop(server);
        };
        let client = async {
            // The writing half is closed when this byte is there; writing goes on.
            let mut said = vec![client.read_u8().await.unwrap()];
            client.write_all(&[7; 100]).await.unwrap();
            client.read_to_end(&mut said).await.unwrap();
            assert_eq!(said, b"the last");
            client.write_all(&[7; 100]).await.unwrap();
        };
        tokio::join!(server, client);
    }

    #[tokio::test]
    async fn the_last_word_arrives_while_the_other_side_talks() {
        let (accepted, port) = accept("127.0.0.1:0").await;
        let client = TcpStream::connect(("127.0.0.1", port.unwrap()));
        let (client, server) = tokio::join!(client, accepted);
        talk(client.unwrap(), server).await;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (accepted, _) = accept(&format!("unix://{}", path.display())).await;
        let (client, server) = tokio::join!(UnixStream::connect(&path), accepted);
        talk(client.unwrap(), server).await;
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_long() {
        let (accepted, port) = accept("127.0.0.1:0").await;
        let client = TcpStream::connect(("127.0.0.1", port.unwrap()));
        let (client, mut server) = tokio::join!(client, accepted);
        server.shutdown().await.unwrap();
        drop(client);
    }
}
