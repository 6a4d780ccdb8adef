//! Accepted connections, TCP and Unix alike, as the gRPC server takes them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::transport::server::Connected;

use super::{Bound, Listener};
use crate::drain::Drain;

/// Pause after a failed accept: out of file descriptors stays so for a while.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end; a request carries it in its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process of this machine, through the Unix socket.
    Unix {
        /// Its user, if the kernel says so.
        uid: Option<u32>,
        /// Its process number, if the kernel says so.
        pid: Option<i32>,
    },
    /// A TCP client.
    Tcp {
        /// Its address.
        remote: Option<SocketAddr>,
    },
}

/// One accepted connection. It counts as open, for [`Drain`], until it is dropped.
#[derive(Debug)]
pub struct Connection {
    stream: Transport,
    peer: Peer,
    cut: CancellationToken,
    cut_wait: Pin<Box<WaitForCancellationFutureOwned>>,
    _open: TaskTrackerToken,
}

#[derive(Debug)]
enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Transport {
    fn peer(&self) -> Peer {
        match self {
            Self::Tcp(stream) => Peer::Tcp {
                remote: stream.peer_addr().ok(),
            },
            Self::Unix(stream) => {
                let credentials = stream.peer_cred().ok();
                Peer::Unix {
                    uid: credentials.map(|found| found.uid()),
                    pid: credentials.and_then(|found| found.pid()),
                }
            }
        }
    }
}

impl Connection {
    fn new(stream: Transport, drain: &Drain) -> Self {
        let cut = drain.cut();
        Self {
            peer: stream.peer(),
            stream,
            cut_wait: Box::pin(cut.clone().cancelled_owned()),
            cut,
            _open: drain.opened(),
        }
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Lets `poll` act on the stream, unless the connection is cut; a cut wakes a waiting one.
    fn unless_cut<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut Transport>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !self.cut.is_cancelled() {
            let polled = poll(Pin::new(&mut self.stream), context);
            if polled.is_ready() {
                return polled;
            }
            ready!(self.cut_wait.as_mut().poll(context));
        }
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the server ends and did not drain in time",
        )))
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Calls a method of whichever stream it is.
macro_rules! forward {
    ($self:expr, $method:ident $(, $argument:expr)*) => {
        match $self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Transport::Unix(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        forward!(self, poll_read, context, buffer)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write, context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write_vectored, context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_flush, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_shutdown, context)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut()
            .unless_cut(context, |stream, context| stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .unless_cut(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().unless_cut(context, |stream, context| {
            stream.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// The connections of one listener, for tonic's `serve_with_incoming_shutdown`. Ends when the
/// drain begins; the listener closes with it. A failed accept is logged and tried again.
#[derive(Debug)]
pub struct Connections {
    bound: Bound,
    drain: Drain,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Bound {
    /// Starts to accept.
    #[must_use]
    pub fn connections(self, drain: &Drain) -> Connections {
        Connections {
            bound: self,
            drain: drain.clone(),
            stopped: Box::pin(drain.stopping().cancelled_owned()),
            pause: None,
        }
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Transport>> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, _) = ready!(listener.poll_accept(context))?;
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

impl Stream for Connections {
    type Item = io::Result<Connection>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(context));
                this.pause = None;
            }
            match ready!(this.bound.poll_accept(context)) {
                Ok(stream) => return Poll::Ready(Some(Ok(Connection::new(stream, &this.drain)))),
                Err(error) => {
                    tracing::warn!(address = %this.bound.address, %error, "cannot accept a connection");
                    this.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
                }
            }
        }
    }
}
