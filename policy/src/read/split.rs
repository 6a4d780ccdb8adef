//! The texts of the documents of one file.

/// A file, cut at its document markers.
pub(super) struct Documents<'a> {
    /// Each with its first line, from 1.
    parts: Vec<(u32, &'a str)>,
}

impl<'a> Documents<'a> {
    /// Cuts at `---` and `...` in the first column, which nothing else can begin with inside of a document.
    pub(super) fn new(text: &'a str) -> Self {
        let mut parts = Vec::new();
        let (mut start, mut start_line) = (0, 1);
        let mut at = 0;
        for (number, line) in (1u32..).zip(text.split_inclusive('\n')) {
            if let Some(content) = after_marker(line) {
                parts.push((start_line, &text[start..at]));
                let holds_text = !content.trim().is_empty() && !content.trim().starts_with('#');
                if holds_text {
                    (start, start_line) = (at + line.len() - content.len(), number);
                } else {
                    (start, start_line) = (at + line.len(), number + 1);
                }
            }
            at += line.len();
        }
        parts.push((start_line, &text[start..]));
        Self { parts }
    }

    /// The document that a line belongs to.
    pub(super) fn at_line(&self, line: u32) -> &'a str {
        let after = self.parts.partition_point(|(first, _)| *first <= line);
        self.parts
            .get(after.saturating_sub(1))
            .map_or("", |(_, text)| text)
    }
}

/// What follows a document marker on its line.
fn after_marker(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("---")
        .or_else(|| line.strip_prefix("..."))?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::Documents;

    #[test]
    fn each_line_belongs_to_its_document() {
        let check = |text: &str, line: u32, expect: &str| {
            assert_eq!(
                Documents::new(text).at_line(line),
                expect,
                "{text:?} {line}"
            );
        };
        check("a: 1\nb: 2\n", 1, "a: 1\nb: 2\n");
        check("a: 1\nb: 2", 2, "a: 1\nb: 2");
        check("---\na: 1\n", 2, "a: 1\n");
        check("a: 1\n---\nb: 2\n", 1, "a: 1\n");
        check("a: 1\n---\nb: 2\n", 3, "b: 2\n");
        check("a: 1\n--- # more\nb: 2\n...\n---\nc: 3\n", 3, "b: 2\n");
        check("a: 1\n--- # more\nb: 2\n...\n---\nc: 3\n", 6, "c: 3\n");
        check("--- {a: 1}\n--- {b: 2}\n", 2, " {b: 2}\n");
        check("a: |\n  ---\n  x\n", 1, "a: |\n  ---\n  x\n");
        check("---x: 1\n", 1, "---x: 1\n");
        check("---\r\na: 1\r\n", 2, "a: 1\r\n");
        check("", 1, "");
    }
}
