//! What a server answers first tells what it speaks, or why it hung up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::Stream;

/// A frame's header in HTTP/2; the first frame of a server is SETTINGS.
const FRAME_HEADER_BYTES: usize = 9;
const SETTINGS: u8 = 4;
/// The type of a TLS record with an alert, and the first half of the version of all of them.
const TLS_ALERT: [u8; 2] = [21, 3];

/// The first sign of a server.
#[derive(Debug)]
pub(super) enum Answer {
    /// It speaks HTTP/2.
    Http2,
    /// An alert of TLS, to somebody who does not speak it.
    TlsAlert,
    /// Something else: its first bytes.
    Other(Vec<u8>),
    /// It hung up.
    Closed,
    /// TLS broke.
    Tls(rustls::Error),
    /// The stream broke.
    Failed(String),
}

/// Passes everything on, and tells once what came first.
pub(super) struct FirstAnswer {
    stream: Box<dyn Stream>,
    begun: Vec<u8>,
    tell: Option<oneshot::Sender<Answer>>,
}

impl FirstAnswer {
    pub(super) fn watch(stream: Box<dyn Stream>) -> (Self, oneshot::Receiver<Answer>) {
        let (tell, told) = oneshot::channel();
        let this = Self {
            stream,
            begun: Vec::with_capacity(FRAME_HEADER_BYTES),
            tell: Some(tell),
        };
        (this, told)
    }

    fn tell(&mut self, answer: Answer) {
        if let Some(tell) = self.tell.take() {
            // Nobody may wait any more.
            tell.send(answer).ok();
        }
    }

    fn read(&mut self, result: &io::Result<()>, bytes: &[u8]) {
        if self.tell.is_none() {
            return;
        }
        match result {
            Err(error) => self.tell(broken(error)),
            Ok(()) if bytes.is_empty() => {
                let begun = std::mem::take(&mut self.begun);
                self.tell(if begun.is_empty() {
                    Answer::Closed
                } else {
                    understood(&begun)
                });
            }
            Ok(()) => {
                let wanted = FRAME_HEADER_BYTES - self.begun.len();
                self.begun.extend(bytes.iter().take(wanted));
                if self.begun.len() == FRAME_HEADER_BYTES || self.begun.starts_with(&TLS_ALERT) {
                    self.tell(understood(&self.begun));
                }
            }
        }
    }

    /// A server that hangs up says why before it does: what it sent is still there to read.
    fn write_failed(&mut self, error: &io::Error, context: &mut Context<'_>) {
        while self.tell.is_some() {
            let mut bytes = [0; FRAME_HEADER_BYTES];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(result) => self.read(&result, buffer.filled()),
                Poll::Pending => self.tell(broken(error)),
            }
        }
    }

    fn written<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result {
            self.write_failed(error, context);
        }
        result
    }
}

fn understood(begun: &[u8]) -> Answer {
    if begun.starts_with(&TLS_ALERT) {
        Answer::TlsAlert
    } else if begun.get(3) == Some(&SETTINGS) {
        Answer::Http2
    } else {
        Answer::Other(begun.to_vec())
    }
}

fn broken(error: &io::Error) -> Answer {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(error) => Answer::Tls(rustls::Error::clone(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => Answer::Closed,
        None => Answer::Failed(error.to_string()),
    }
}

impl AsyncRead for FirstAnswer {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut this.stream).poll_read(context, buffer));
        this.read(&result, &buffer.filled()[before..]);
        Poll::Ready(result)
    }
}

impl AsyncWrite for FirstAnswer {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(result, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.written(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_flush(context);
        this.written(result, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
