//! How a second command tells the running demo what to do: a line to a socket that only root can reach, and a line back.

use std::fs::{DirBuilder, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::node::DemoNode;
use super::observers::{Order, Orders};

/// Longer than any order.
const LONGEST_ORDER_BYTES: u64 = 64;
/// A client says its order at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// The answer waits until it is done: an observer that is killed, or started.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// An order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderError {
    /// There is nobody to take it.
    #[error("no demo runs; start one with `sudo tycho demo`")]
    NoDemo,
    /// The demo did not carry it out.
    #[error("{0}")]
    Refused(String),
    /// The way to it broke.
    #[error("lost contact with the running demo")]
    Lost(#[source] io::Error),
    /// The socket cannot be made.
    #[error("cannot take orders at {}", path.display())]
    Listen {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("orders.sock")
}

/// Tells the running demo, and gives what it says.
pub(super) fn tell(directory: &Path, node: DemoNode, order: Order) -> Result<String, OrderError> {
    let mut stream =
        BlockingStream::connect(socket(directory)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => OrderError::NoDemo,
            _ => OrderError::Lost(error),
        })?;
    let word = match order {
        Order::Kill => "kill",
        Order::Start => "start",
    };
    let mut answer = String::new();
    stream
        .set_read_timeout(Some(ANSWER_TIMEOUT))
        .and_then(|()| writeln!(stream, "{word} {node}"))
        .and_then(|()| stream.read_to_string(&mut answer))
        .map_err(OrderError::Lost)?;
    match answer.trim_end().split_once(' ') {
        Some(("done", what)) => Ok(what.to_owned()),
        Some((_, why)) => Err(OrderError::Refused(why.to_owned())),
        None => Err(OrderError::Lost(io::ErrorKind::UnexpectedEof.into())),
    }
}

/// The socket, ready for orders.
pub(super) fn listen(directory: &Path) -> Result<UnixListener, OrderError> {
    let path = socket(directory);
    // For root only, before the socket is there.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .and_then(|()| std::fs::set_permissions(directory, Permissions::from_mode(0o700)))
        .and_then(|()| UnixListener::bind(&path))
        .map_err(|source| OrderError::Listen { path, source })
}

/// Takes orders one after the other, for as long as it is polled. Says what was done, here as well.
pub(super) async fn take(listener: UnixListener, orders: Orders) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor left for now.
            tokio::time::sleep(PATIENCE).await;
            continue;
        };
        if let Err(error) = carry_out(stream, &orders).await {
            tracing::warn!(%error, "an order was not answered");
        }
    }
}

async fn carry_out(mut stream: UnixStream, orders: &Orders) -> io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new((&mut stream).take(LONGEST_ORDER_BYTES));
    tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let answer = match parse(&line) {
        Some((node, order)) => orders.give(node, order).await,
        None => Err("the running demo is of another version".to_owned()),
    };
    let answer = match answer {
        Ok(done) => {
            writeln!(io::stderr(), "{}", capitalized(&done)).ok();
            format!("done {done}\n")
        }
        Err(why) => format!("not {why}\n"),
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn parse(line: &str) -> Option<(DemoNode, Order)> {
    let (word, node) = line.trim_end().split_once(' ')?;
    let order = match word {
        "kill" => Order::Kill,
        "start" => Order::Start,
        _ => return None,
    };
    Some((node.parse().ok()?, order))
}

/// The text as a sentence of its own.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::node::DemoNode;
    use super::{Order, OrderError, capitalized, listen, parse, tell};

    #[test]
    fn lines() {
        for (line, expected) in [
            ("kill b\n", Some((DemoNode::B, Order::Kill))),
            ("start demo-node-c", Some((DemoNode::C, Order::Start))),
            ("kill d\n", None),
            ("stop b\n", None),
            ("kill\n", None),
            ("", None),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
        assert_eq!(capitalized("killed it"), "Killed it");
    }

    #[tokio::test]
    async fn nobody_there_and_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("orders");
        let error = tell(&directory, DemoNode::A, Order::Kill).unwrap_err();
        assert!(matches!(error, OrderError::NoDemo), "{error}");
        let listener = listen(&directory).unwrap();
        let mode = directory.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(listener);
        let error = tell(&directory, DemoNode::A, Order::Kill).unwrap_err();
        assert!(matches!(error, OrderError::NoDemo), "{error}");
    }
}
