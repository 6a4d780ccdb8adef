//! YAML as a tree that knows the line of every value, and a walk through it that knows the path.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::error::{ReadError, ReadReason};

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    line: u32,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    Boolean(bool),
    Integer(i128),
    Float,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
struct Entry {
    key: String,
    key_line: u32,
    node: Node,
}

/// Every document of a text. Only `true` and `false` are booleans (so a namespace may be called `n`). Nesting, aliases and size are bounded by the parser's default budget.
pub(super) fn documents(file: &str, text: &str) -> Result<Vec<Node>, ReadError> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let message = error.without_snippet().to_string();
        // The parser says the place in words as well; the error has it already.
        let message = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(before, _)| before)
            .to_owned();
        let line = error
            .location()
            .map_or(1, |location| line_number(location.line()));
        ReadError {
            file: file.to_owned(),
            line,
            field: String::new(),
            reason: ReadReason::Yaml(message),
        }
    })
}

fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

impl Value {
    fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "a number",
            Self::Float => "a decimal number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

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
        unsupported: &[&str],
    ) -> Result<Fields<'a>, ReadError> {
        for entry in self.map()? {
            let key = entry.key.as_str();
            if known.contains(&key) {
                continue;
            }
            let reason = if unsupported.contains(&key) {
                ReadReason::Unsupported
            } else {
                ReadReason::Unknown
            };
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

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self {
            line: line_number(spanned.referenced.line()),
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Float)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = items.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = items.next_entry::<Spanned<String>, Node>()? {
            map.push(Entry {
                key_line: line_number(key.referenced.line()),
                key: key.value,
                node,
            });
        }
        Ok(Value::Map(map))
    }
}
