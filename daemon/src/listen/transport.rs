//! The streams that connections are made of, all read and written alike.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::Peer;
use crate::tls::CertificateFacts;

/// One of them.
#[derive(Debug)]
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    pub(super) fn peer(&self) -> Peer {
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
            Self::Tls(stream) => {
                let (tcp, tls) = stream.get_ref();
                let presented = tls.peer_certificates().and_then(<[_]>::first);
                Peer::Tls {
                    remote: tcp.peer_addr().ok(),
                    certificate: presented.and_then(CertificateFacts::read).map(Arc::new),
                }
            }
        }
    }
}

/// Calls a method of whichever stream it is.
macro_rules! forward {
    ($self:expr, $method:ident $(, $argument:expr)*) => {
        match $self.get_mut() {
            Transport::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Transport::Unix(stream) => Pin::new(stream).$method($($argument),*),
            Transport::Tls(stream) => Pin::new(&mut **stream).$method($($argument),*),
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
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_flush, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_shutdown, context)
    }
}
