//! Keeps text from the network from steering the terminal or posing as a line of output.

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

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_become_visible() {
        assert_eq!(super::escape("\x1b[31mred\r\nx"), "^[[31mred\\r\\nx");
        assert_eq!(super::escape("plain"), "plain");
    }
}
