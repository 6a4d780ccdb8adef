//! Accepting: each connection of a listener in turn, those with TLS once they have shaken hands.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::handshake::Handshakes;
use super::transport::Transport;
use super::{Bound, Connection, Listener};
use crate::drain::Drain;

/// Pause after a failed accept: out of file descriptors stays so for a while.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of one listener, for tonic's `serve_with_incoming_shutdown`. Ends when the
/// drain begins; the listener closes with it. A failed accept is logged and tried again.
#[derive(Debug)]
pub struct Connections {
    bound: Bound,
    drain: Drain,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    pause: Option<Pin<Box<Sleep>>>,
    handshakes: Option<Handshakes>,
}

impl Bound {
    /// Starts to accept.
    #[must_use]
    pub fn connections(self, drain: &Drain) -> Connections {
        let handshakes = match &self.listener {
            Listener::Tcp { tls, .. } => tls.clone().map(Handshakes::new),
            Listener::Unix { .. } => None,
        };
        Connections {
            bound: self,
            drain: drain.clone(),
            stopped: Box::pin(drain.stopping().cancelled_owned()),
            pause: None,
            handshakes,
        }
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Transport>> {
        match &self.listener {
            Listener::Tcp { listener, .. } => {
                let (stream, _): (TcpStream, _) = ready!(listener.poll_accept(context))?;
                // Small answers (health, status) must not wait for more bytes to come.
                stream.set_nodelay(true)?;
                Poll::Ready(Ok(Transport::Tcp(stream)))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = ready!(listener.poll_accept(context))?;
                Poll::Ready(Ok(Transport::Unix(stream)))
            }
        }
    }
}

impl Connections {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<Transport> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            match ready!(self.bound.poll_accept(context)) {
                Ok(stream) => return Poll::Ready(stream),
                Err(error) => {
                    tracing::warn!(address = %self.bound.address, %error, "cannot accept a connection");
                    self.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
                }
            }
        }
    }

    /// The next connection that may be served.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Transport> {
        loop {
            let has_room = self.handshakes.as_ref().is_none_or(Handshakes::has_room);
            let accepted = match has_room {
                true => self.poll_accept(context),
                false => Poll::Pending,
            };
            let Some(handshakes) = &mut self.handshakes else {
                return accepted;
            };
            match accepted {
                Poll::Ready(Transport::Tcp(stream)) => handshakes.begin(stream),
                Poll::Ready(other) => return Poll::Ready(other),
                Poll::Pending => match ready!(handshakes.poll_next(context)) {
                    Ok(stream) => return Poll::Ready(Transport::Tls(Box::new(stream))),
                    // There is room again.
                    Err(refused) => handshakes.log(&self.bound.address, refused),
                },
            }
        }
    }
}

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        let stream = ready!(this.poll_ready(context));
        Poll::Ready(Some(Ok(Connection::new(stream, &this.drain))))
    }
}
