//! Which flows, by number and time.

use crate::replay::Replay;

const COMPACT: &str = include_str!("recording/compact.txt");

#[test]
fn by_number_and_by_time() {
    let replay = Replay::new();
    let at = |milliseconds: u32| format!("2044-05-06T10:00:00.{milliseconds:03}Z");
    let (third, seventh) = (at(2), at(7));
    let lines: Vec<&str> = COMPACT.lines().collect();
    // Record n was at n - 1 ms and a half.
    for (arguments, expected) in [
        (&["--last", "3"][..], &lines[17..]),
        (&["--first", "3"], &lines[..3]),
        (&[], &lines[..]),
        (&["--since", &seventh], &lines[7..]),
        (&["--until", &third], &lines[..2]),
        (&["--since", &third, "--until", &seventh], &lines[2..7]),
        (
            &["--since", &third, "--until", &seventh, "--last", "2"],
            &lines[5..7],
        ),
        (
            &["--since", &third, "--until", &seventh, "--first", "2"],
            &lines[2..4],
        ),
        (&["--until", &at(0)], &[]),
        (&["--first", "2", "--verdict", "DROPPED"], &lines[7..9]),
    ] {
        let all = [&["observe"], arguments].concat();
        let printed = replay.ask(&all).output();
        assert_eq!(
            printed.lines().collect::<Vec<_>>(),
            expected,
            "{arguments:?}"
        );
    }
}

#[test]
fn twenty_without_any_flag() {
    let mut replay = Replay::new();
    replay.feed(&crate::replay::recording());
    assert_eq!(
        replay.ask(&["observe", "--all"]).output().lines().count(),
        40
    );
    assert_eq!(replay.ask(&["observe"]).output().lines().count(), 20);
}
