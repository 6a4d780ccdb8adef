//! A walk through a YAML document that knows the path, so that every refusal names its field and line.

use std::fmt;

use super::error::{ReadError, ReadReason};
use super::unsupported::Unsupported;
use super::yaml::{Entry, Node, Value};

/// A value together with its path.
pub(super) struct Place<'a> {
    file: &'a str,
    path: String,
    node: &'a Node,
}

impl<'a> Place<'a> {
    pub(super) fn root(file: &'a str, node: &'a Node) -> Self {
        Self {
            file,
            path: String::new(),
            node,
        }
    }

    pub(super) fn line(&self) -> u32 {
        self.node.line
    }

    pub(super) fn error(&self, reason: ReadReason) -> ReadError {
        ReadError {
            file: self.file.to_owned(),
            line: self.node.line,
            field: self.path.clone(),
            reason,
        }
    }

    pub(super) fn invalid(&self, message: impl fmt::Display) -> ReadError {
        self.error(ReadReason::Invalid(message.to_string()))
    }

    fn wrong_type(&self, expected: &'static str) -> ReadError {
        self.error(ReadReason::WrongType {
            expected,
            found: self.node.value.name(),
        })
    }

    pub(super) fn text(&self) -> Result<&'a str, ReadError> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            Value::Integer(_) | Value::Float | Value::Boolean(_) => {
                Err(self.wrong_type("a string (in quotes)"))
            }
            _ => Err(self.wrong_type("a string")),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, ReadError> {
        match self.node.value {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// A number, or `None` if it is a string.
    pub(super) fn integer_or_text(&self) -> Result<Result<i128, &'a str>, ReadError> {
        match &self.node.value {
            Value::Integer(number) => Ok(Ok(*number)),
            Value::Text(text) => Ok(Err(text)),
            _ => Err(self.wrong_type("a number or a string")),
        }
    }

    pub(super) fn integer(&self) -> Result<i128, ReadError> {
        match self.node.value {
            Value::Integer(number) => Ok(number),
            _ => Err(self.wrong_type("a number")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Place<'a>>, ReadError> {
        let Value::List(nodes) = &self.node.value else {
            return Err(self.wrong_type("a list"));
        };
        let path = |position: usize| format!("{}[{position}]", self.path);
        Ok(nodes
            .iter()
            .enumerate()
            .map(|(position, node)| Place {
                file: self.file,
                path: path(position),
                node,
            })
            .collect())
    }

    /// The entries of a mapping with keys of its own choice.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Place<'a>)>, ReadError> {
        let entries = self.map()?;
        Ok(entries
            .iter()
            .map(|entry| (entry.key.as_str(), self.child(entry)))
            .collect())
    }

    /// A mapping with fixed keys. Any other is refused at its own line, as unsupported if it is among those.
    pub(super) fn fields(
        &self,
        known: &[&str],
        unsupported: &[Unsupported],
    ) -> Result<Fields<'a>, ReadError> {
        for entry in self.map()? {
            let key = entry.key.as_str();
            if known.contains(&key) {
                continue;
            }
            let instead = unsupported.iter().find(|(name, _)| *name == key);
            let reason = instead.map_or(ReadReason::Unknown, |(_, instead)| {
                ReadReason::Unsupported(instead)
            });
            return Err(ReadError {
                line: entry.key_line,
                ..self.child(entry).error(reason)
            });
        }
        Ok(Fields {
            place: Place {
                file: self.file,
                path: self.path.clone(),
                node: self.node,
            },
        })
    }

    fn map(&self) -> Result<&'a [Entry], ReadError> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.wrong_type("a mapping")),
        }
    }

    fn child(&self, entry: &'a Entry) -> Place<'a> {
        let path = if self.path.is_empty() {
            entry.key.clone()
        } else {
            format!("{}.{}", self.path, entry.key)
        };
        Place {
            file: self.file,
            path,
            node: &entry.node,
        }
    }
}

/// The fields of a mapping, all of them known.
pub(super) struct Fields<'a> {
    place: Place<'a>,
}

impl<'a> Fields<'a> {
    /// A field; one without a value is an error.
    pub(super) fn optional(&self, name: &str) -> Result<Option<Place<'a>>, ReadError> {
        let Some(entry) = self.place.map()?.iter().find(|entry| entry.key == name) else {
            return Ok(None);
        };
        let child = self.place.child(entry);
        if matches!(entry.node.value, Value::Null) {
            return Err(ReadError {
                line: entry.key_line,
                ..child.error(ReadReason::Empty)
            });
        }
        Ok(Some(child))
    }

    /// The same, but one without a value is as if absent: for fields whose absence means what `{}` or `[]` would.
    pub(super) fn optional_or_null(&self, name: &str) -> Result<Option<Place<'a>>, ReadError> {
        let mut entries = self.place.map()?.iter();
        match entries.find(|entry| entry.key == name) {
            Some(entry) if matches!(entry.node.value, Value::Null) => Ok(None),
            _ => self.optional(name),
        }
    }

    /// The items of a field that holds a list; none if it is absent.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Place<'a>>, ReadError> {
        match self.optional(name)? {
            Some(place) => place.list(),
            None => Ok(Vec::new()),
        }
    }

    /// A field that must be there.
    pub(super) fn required(&self, name: &str) -> Result<Place<'a>, ReadError> {
        self.optional(name)?.ok_or_else(|| {
            let error = self.place.error(ReadReason::Missing);
            let field = if error.field.is_empty() {
                name.to_owned()
            } else {
                format!("{}.{name}", error.field)
            };
            ReadError { field, ..error }
        })
    }
}
