//! Bad input and missing servers: each error names the cause, the place and the next step.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::binary::{command, finish, tycho, tycho_fed};

/// The run fails with this exit code, prints nothing, and its error has all of these words.
fn check(arguments: &[&str], code: i32, words: &[&str]) {
    let run = tycho(arguments);
    assert_eq!((run.stdout.as_str(), run.code), ("", code), "{run:?}");
    for word in words {
        assert!(run.stderr.contains(word), "{word}\n{run:?}");
    }
}

#[test]
fn flags() {
    for (arguments, code, words) in [
        (&["observe", "--nope"][..], 2, &["--nope"][..]),
        (&["observe", "-o", "xml"], 2, &["xml", "compact", "json"]),
        (&["observe", "--last", "x"], 2, &["--last", "x"]),
        (&["observe", "--not=false"], 2, &["--not"]),
        (&["observe", "--color", "blue"], 2, &["blue", "always"]),
        (&["observe", "--time-format", "ISO"], 2, &["ISO", "RFC3339"]),
        (
            &["observe", "--timeout", "5"],
            2,
            &["--timeout", "is not a duration", "5m"],
        ),
        (
            &["observe", "--since", "noon"],
            1,
            &["--since", "noon", "5m", "2025-11-22T10:00:30Z"],
        ),
        (
            &["observe", "--until", "2025-02-30"],
            1,
            &["--until", "2025-02-30"],
        ),
        (
            &["observe", "--first", "1", "--last", "1"],
            1,
            &["cannot set both --first and --last"],
        ),
        (
            &["observe", "--first", "1", "-f"],
            1,
            &["cannot set both --first and --follow"],
        ),
        (
            &["observe", "-f", "-o", "table"],
            1,
            &["table output format is not compatible with follow mode"],
        ),
        (
            &["observe", "--field-mask", "verdict"],
            1,
            &[
                "compact output format is not compatible with custom field mask",
                "-o json",
            ],
        ),
        (
            &["observe", "-o", "json", "--field-mask", "source.nope"],
            1,
            &["source.nope", "no such field"],
        ),
        (
            &["observe", "--server", "nowhere"],
            1,
            &["nowhere", "host:port", "unix:///"],
        ),
        (
            &["observe", "--server", "tls://nowhere"],
            1,
            &["tls://nowhere", "tls://host:port"],
        ),
        (
            &["status", "--tls=maybe"],
            2,
            &["--tls", "maybe", "`true` or `false`"],
        ),
        (
            &[
                "status",
                "--server",
                "tls://h:1",
                "--tls-client-cert-file",
                "x",
            ],
            1,
            &["--tls-client-cert-file", "--tls-client-key-file"],
        ),
        (
            &[
                "status",
                "--tls",
                "--server",
                "h:1",
                "--tls-ca-cert-files",
                "/no/such.crt",
            ],
            1,
            &["h:1", "cannot read /no/such.crt", "No such file"],
        ),
        (
            &["observe", "--input-file", "/no/such/file"],
            1,
            &["/no/such/file", "No such file"],
        ),
        (
            &["observe", "--input-file", "-", "--label", "a=b"],
            1,
            &["filters cannot be used with --input-file"],
        ),
        (
            &["observe", "--input-file", "-", "--follow"],
            1,
            &["--follow cannot be used with --input-file"],
        ),
    ] {
        check(arguments, code, words);
    }
}

#[test]
fn a_line_that_is_no_response() {
    let input = "{\"flow\":{}}\n{\"flow\":{\"verdict\":3.5}}\n";
    let run = tycho_fed(&["observe", "--input-file", "-"], input);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.starts_with("error: -:2: not a response in JSON"),
        "{run:?}"
    );
}

#[test]
fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    for subcommand in ["observe", "status"] {
        check(
            &[subcommand, "--server", &address],
            1,
            &[
                &address,
                "connection refused",
                "sudo tycho demo",
                "--server",
            ],
        );
    }
    let socket = "unix:///no/such/observer.sock";
    check(
        &["status", "--server", socket],
        1,
        &[socket, "there is no such socket"],
    );
    let run = finish(command().args(["observe"]).env("HUBBLE_SERVER", &address));
    assert!(run.stderr.contains(&address), "{run:?}");
}

#[test]
fn a_server_of_another_kind() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("tycho connects");
        stream
            .write_all(b"SSH-2.0-OpenSSH_9.9\r\n")
            .expect("it reads");
        // Ends when tycho gives up.
        stream.read_to_end(&mut Vec::new()).ok();
    });
    check(
        &["observe", "--server", &address],
        1,
        &[&address, "does not speak", "another service"],
    );
    server.join().expect("the server ends");
}

#[test]
fn a_server_that_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    check(
        &["observe", "--timeout", "100ms", "--server", &address],
        1,
        &[&address, "no answer within 100ms"],
    );
    drop(listener);
}
