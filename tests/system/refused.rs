//! Requests that a server refuses: the message names what is wrong, and the exit code is 1.

use crate::replay::Replay;

#[test]
fn the_message_says_what_is_wrong() {
    let replay = Replay::new();
    for (arguments, words) in [
        (
            &["--from-label", "role in (a"][..],
            &[
                "INVALID_ARGUMENT",
                "source_label",
                "\"role in (a\"",
                "closing parenthesis",
            ][..],
        ),
        (
            &["--to-label", "=x"],
            &["INVALID_ARGUMENT", "destination_label", "\"=x\""],
        ),
        (
            &["--label", "a:b:c=d"],
            &["INVALID_ARGUMENT", "label", "second colon"],
        ),
        (
            &["--http-method", "GET"],
            &["INVALID_ARGUMENT", "http_method", "not supported"],
        ),
        (
            &["--cel-expression", "true"],
            &["INVALID_ARGUMENT", "cel_expression", "not supported"],
        ),
        (
            &["--fqdn", "example.com"],
            &["INVALID_ARGUMENT", "fqdn", "not supported"],
        ),
        (
            &["--allowlist", r#"{"source_ip":["10.0.0.0/40"]}"#],
            &["INVALID_ARGUMENT", "source_ip", "10.0.0.0/40"],
        ),
        (
            &["--allowlist", r#"{"destination_port":["http"]}"#],
            &["INVALID_ARGUMENT", "destination_port", "http"],
        ),
    ] {
        let all = [&["observe"], arguments].concat();
        let run = replay.ask(&all);
        run.assert_refused(
            1,
            &[&["error: server unix://", &replay.server], words].concat(),
        );
    }
}
