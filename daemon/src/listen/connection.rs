//! Accepted connections, TCP and Unix alike, as the gRPC server takes them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::transport::server::Connected;

use super::Peer;
use super::linger::Linger;
use super::transport::Transport;
use crate::drain::Drain;

/// One accepted connection. It counts as open, for [`Drain`], until it is dropped.
#[derive(Debug)]
pub struct Connection {
    stream: Transport,
    peer: Peer,
    cut: CancellationToken,
    cut_wait: Pin<Box<WaitForCancellationFutureOwned>>,
    linger: Linger,
    _open: TaskTrackerToken,
}

impl Connection {
    pub(super) fn new(stream: Transport, drain: &Drain) -> Self {
        let cut = drain.cut();
        Self {
            peer: stream.peer(),
            stream,
            cut_wait: Box::pin(cut.clone().cancelled_owned()),
            cut,
            linger: Linger::default(),
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
        let this = self.get_mut();
        let mut linger = std::mem::take(&mut this.linger);
        let polled = this.unless_cut(context, |stream, context| linger.poll(stream, context));
        this.linger = linger;
        polled
    }
}
