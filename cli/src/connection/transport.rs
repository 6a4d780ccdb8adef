//! HTTP/2 over TCP or a Unix socket, with windows large enough that a bulk stream never waits for them.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel, Endpoint, Uri};

use super::address::Address;

const STREAM_WINDOW_BYTES: u32 = 8 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// The size of a server's DATA frames follows what its client takes.
const FRAME_BYTES: u32 = 256 << 10;

/// Either kind of stream.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens the connection; the error says why it cannot be.
pub(super) async fn connect(address: &Address) -> Result<Channel, String> {
    let stream = open(address)
        .await
        .map_err(|error| reason(address, &error))?;
    let origin = match address {
        Address::Tcp(address) => format!("http://{address}"),
        Address::Unix(_) => "http://localhost".to_owned(),
    };
    let endpoint = Endpoint::from_shared(origin)
        .map_err(|error| error.to_string())?
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES);
    // The channel gets the stream that is open already. If that breaks, the command ends.
    let mut opened = Some(stream);
    let connector = tower::service_fn(move |_: Uri| {
        let stream = opened.take();
        async move {
            stream
                .map(TokioIo::new)
                .ok_or_else(|| io::Error::other("the connection was closed"))
        }
    });
    endpoint
        .connect_with_connector(connector)
        .await
        .map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            format!("it accepts connections but does not speak HTTP/2 ({cause})")
        })
}

async fn open(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
    })
}

fn reason(address: &Address, error: &io::Error) -> String {
    match (address, error.kind()) {
        (Address::Unix(_), io::ErrorKind::NotFound) => "there is no such socket".to_owned(),
        (Address::Unix(_), io::ErrorKind::PermissionDenied) => {
            "permission denied; the socket belongs to root, try sudo".to_owned()
        }
        (_, io::ErrorKind::ConnectionRefused) => "connection refused: nobody listens".to_owned(),
        _ => error.to_string(),
    }
}
