//! What is known of one thing: a name and its value on each line. Everything is escaped on its way in.

use std::io;

use super::escape::visible;

/// Names with their values, in the order of output.
#[derive(Default)]
pub(crate) struct Facts {
    indent: usize,
    facts: Vec<(&'static str, Vec<String>)>,
}

impl Facts {
    /// Lines that begin with so many spaces.
    pub(crate) fn indented(indent: usize) -> Self {
        Self {
            indent,
            ..Self::default()
        }
    }

    /// Adds a value, unless it is empty.
    pub(crate) fn add(&mut self, name: &'static str, value: impl AsRef<str>) {
        if !value.as_ref().is_empty() {
            self.add_all(name, [value]);
        }
    }

    /// Adds a value of several lines, unless there is none.
    pub(crate) fn add_all<T: AsRef<str>>(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        let escaped = |value: T| visible(value.as_ref()).into_owned();
        let values: Vec<String> = values.into_iter().map(escaped).collect();
        if !values.is_empty() {
            self.facts.push((name, values));
        }
    }

    /// Writes them, values below each other.
    pub(crate) fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let widest = self.facts.iter().map(|(name, _)| name.len()).max();
        // The colon and two spaces.
        let width = self.indent + widest.unwrap_or_default() + 3;
        for (name, values) in &self.facts {
            let mut before = format!("{:indent$}{name}:", "", indent = self.indent);
            for value in values {
                writeln!(out, "{before:width$}{value}")?;
                before.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;

    #[test]
    fn values_are_aligned_and_empty_ones_left_out() {
        let mut facts = Facts::default();
        facts.add("Name", "shop/db\x1b");
        facts.add("Workload", "");
        facts.add_all("Labels", ["a=b", "c=d"]);
        facts.add_all::<&str>("Policies", []);
        let mut out = Vec::new();
        facts.write(&mut out).expect("a vector takes all");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "Name:    shop/db\\u{1b}\nLabels:  a=b\n         c=d\n"
        );
    }
}
