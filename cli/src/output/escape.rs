//! Keeps text from the network from steering the terminal or posing as a line of output.
//!
//! Flows are escaped as Hubble's CLI does it; what Hubble does not have, as Rust writes such characters.

use std::borrow::Cow;

/// The text with escape characters, carriage returns and line feeds made visible.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\x1b', '\r', '\n']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace('\x1b', "^[")
            .replace('\r', "\\r")
            .replace('\n', "\\n"),
    )
}

/// The text with every control character made visible.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    visible_but(text, "")
}

/// The same for text of several lines.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    visible_but(text, "\n")
}

fn visible_but<'a>(text: &'a str, kept: &str) -> Cow<'a, str> {
    let steers = |character: char| {
        let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (character.is_control() || turns) && !kept.contains(character)
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_become_visible() {
        assert_eq!(super::escape("\x1b[31mred\r\nx"), "^[[31mred\\r\\nx");
        assert_eq!(super::escape("plain"), "plain");
        for (text, one_line, lines) in [
            ("plain ü", "plain ü", "plain ü"),
            (
                "a\x1b[2J\nb\tc",
                "a\\u{1b}[2J\\nb\\tc",
                "a\\u{1b}[2J\nb\\tc",
            ),
            (
                "\u{9b}\x7f\u{202e}",
                "\\u{9b}\\u{7f}\\u{202e}",
                "\\u{9b}\\u{7f}\\u{202e}",
            ),
        ] {
            assert_eq!(super::visible(text), one_line);
            assert_eq!(super::visible_lines(text), lines);
        }
    }
}
