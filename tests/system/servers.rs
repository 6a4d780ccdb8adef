//! Addresses where there is no server of flows.

use std::io::Write as _;
use std::net::TcpListener;

use tests::binary::tycho;

use crate::replay::Replay;

#[test]
fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    for command in ["observe", "status"] {
        tycho(&[command, "--server", &address]).assert_refused(
            1,
            &[
                &address,
                "connection refused: nobody listens",
                "sudo tycho demo",
                "--server ADDRESS",
            ],
        );
    }
}

#[test]
fn a_socket_whose_server_has_ended() {
    let mut replay = Replay::new();
    replay.end();
    for command in ["observe", "status"] {
        replay
            .ask(&[command])
            .assert_refused(1, &["cannot use the server", &replay.server]);
    }
}

#[test]
fn a_server_of_another_kind() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("tycho connects");
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
    });
    for command in ["observe", "status"] {
        tycho(&[command, "--server", &address]).assert_refused(
            1,
            &[
                &address,
                "does not speak",
                "is this the port of another service?",
            ],
        );
    }
    server.join().expect("the server ends");
}
