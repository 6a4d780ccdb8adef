//! Clients that begin a handshake and do not go on.

use std::io::Write as _;
use std::net::TcpStream;

use daemon::connect::Target;

use crate::place::{Place, Served, answers};

/// The first bytes of a TLS handshake, and nothing more.
const BEGUN: [u8; 5] = [22, 3, 1, 2, 0];

#[tokio::test]
async fn they_delay_nobody() {
    let place = Place::new();
    // Fewer than there are places; as many; so many that all places are taken twice.
    for count in [8, 64, 128] {
        let served = Served::start(Some(place.server_files(true))).await;
        let Target::Tcp { host, port } = &served.target else {
            panic!("TCP");
        };
        let stalled: Vec<TcpStream> = (0..count)
            .map(|index| {
                let mut stream = TcpStream::connect((host.as_str(), *port)).unwrap();
                if index % 2 == 0 {
                    stream.write_all(&BEGUN).unwrap();
                }
                stream
            })
            .collect();
        let client = place.client(Some("client-alice"));
        let channel = served.connect(Some(&client)).await.unwrap();
        assert!(answers(&channel).await, "{count}");
        drop(stalled);
        served.end().await;
    }
}

/// A client that is told nothing any more must not stay for ever.
#[tokio::test]
async fn they_are_hung_up_on() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let place = Place::new();
    let served = Served::start(Some(place.server_files(true))).await;
    let stalls = |bytes: &'static [u8]| {
        let address = served.target.to_string();
        async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            let mut read = Vec::new();
            let end = tokio::time::timeout(crate::place::LONG, stream.read_to_end(&mut read));
            // Either end will do: a reset is one, too.
            end.await.expect("it is hung up on").ok();
            read
        }
    };
    let (silent, begun, plain) = tokio::join!(
        stalls(b""),
        stalls(&BEGUN),
        stalls(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    );
    assert_eq!((silent.len(), begun.len()), (0, 0));
    assert_eq!(plain, [21, 3, 3, 0, 2, 2, 10], "a fatal alert");
    served.end().await;
}
