//! The way to a server, for clients and relays alike: TCP or a Unix socket, plain or TLS, with errors that say what to do.
//!
//! One call makes one connection. If it breaks, calls on its channel fail, and the caller connects anew: certificates and
//! keys are read from their files each time.

mod address;
mod error;
mod first;
mod handshake;
mod next_step;
mod security;
mod socket;
mod verify;

use std::io;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::transport::{Channel, Endpoint, Uri};

pub use address::{Address, AddressError, Scheme, Target};
pub use error::ConnectError;
pub use next_step::Asker;
pub use security::{ClientSecurity, ClientTls};

use first::{Answer, FirstAnswer};

/// How much a server may send ahead of its reader, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// On one stream.
    pub stream_bytes: u32,
    /// On all streams of the connection.
    pub connection_bytes: u32,
    /// In one frame: the size of a server's DATA frames follows what its client takes.
    pub frame_bytes: u32,
}

impl Windows {
    /// So large that a single bulk stream never waits for them.
    pub const BULK: Self = Self {
        stream_bytes: 8 << 20,
        connection_bytes: 16 << 20,
        frame_bytes: 256 << 10,
    };
}

/// Either kind of stream, plain or encrypted.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects, and waits until the other side has answered in HTTP/2. A Unix socket is never encrypted: its permissions
/// protect it. There is no limit of time; a caller that drops the future leaves nothing behind.
///
/// # Errors
/// See [`ConnectError`]; [`ConnectError::told`] says what to do next.
pub async fn connect(
    target: &Target,
    security: &ClientSecurity,
    windows: Windows,
) -> Result<Channel, ConnectError> {
    let (stream, origin): (Box<dyn Stream>, String) = match (target, security) {
        (Target::Unix(path), _) => (
            Box::new(socket::open_unix(path).await?),
            "http://localhost".to_owned(),
        ),
        (Target::Tcp { host, port }, ClientSecurity::Plaintext) => (
            Box::new(socket::open_tcp(host, *port).await?),
            format!("http://{target}"),
        ),
        (Target::Tcp { host, port }, ClientSecurity::Tls(tls)) => {
            let ready = handshake::prepare(host, tls).await?;
            let origin = format!("https://{}:{port}", ready.authority());
            let stream = socket::open_tcp(host, *port).await?;
            (Box::new(ready.handshake(stream).await?), origin)
        }
    };
    let encrypted = origin.starts_with("https");
    speak(stream, origin, windows)
        .await
        .map_err(|answer| error::from_answer(answer, encrypted))
}

/// Begins HTTP/2 on an open stream.
async fn speak(
    stream: Box<dyn Stream>,
    origin: String,
    windows: Windows,
) -> Result<Channel, Answer> {
    // An address with a zone (`fe80::1%eth0`) cannot be the host of a request.
    let origin = origin
        .parse()
        .unwrap_or_else(|_| Uri::from_static("http://localhost"));
    // The connector below is what connects; the scheme here only keeps tonic from encrypting itself.
    let endpoint = Endpoint::from_static("http://connected")
        .origin(origin)
        .initial_stream_window_size(windows.stream_bytes)
        .initial_connection_window_size(windows.connection_bytes)
        .max_frame_size(windows.frame_bytes);
    let (stream, first) = FirstAnswer::watch(stream);
    let mut opened = Some(stream);
    let connector = tower::service_fn(move |_: Uri| {
        let stream = opened.take();
        async move {
            stream
                .map(TokioIo::new)
                .ok_or_else(|| io::Error::other("the connection was closed"))
        }
    });
    let connected = endpoint.connect_with_connector(connector).await;
    match (connected, first.await) {
        (Ok(channel), Ok(Answer::Http2)) => Ok(channel),
        (_, Ok(answer)) if !matches!(answer, Answer::Http2) => Err(answer),
        (Err(error), _) => Err(Answer::Failed(innermost(&error).to_string())),
        (Ok(_), _) => Err(Answer::Closed),
    }
}

/// The cause below all others.
fn innermost<'error>(
    error: &'error (dyn std::error::Error + 'static),
) -> &'error (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}
