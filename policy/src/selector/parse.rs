//! The string form of selectors.

use thiserror::Error;

use super::{Operator, Requirement, Selector};
use crate::label::SOURCE_ANY;

/// Why a text is no selector, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("selector {text:?}, column {column}: {reason}")]
pub struct SelectorError {
    /// The text as given.
    pub text: String,
    /// Column of the offending place, from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub reason: SelectorReason,
}

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectorReason {
    /// Something else was needed.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What was needed.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A key without a name.
    #[error("the key is empty")]
    EmptyKey,
    /// A key with two colons: only one source can stand before a key.
    #[error("the key {0:?} has a second colon (only a source may stand before it, as in k8s:role)")]
    SecondColon(String),
    /// A character that no key has.
    #[error("the key {key:?} has the character {character:?}")]
    KeyCharacter {
        /// The key as written.
        key: String,
        /// The first bad character.
        character: char,
    },
}

/// Splits `[source:]key`; `any:` and no source are `None`.
pub(super) fn split_key(text: &str) -> Result<(Option<&str>, &str), SelectorReason> {
    let (source, key) = match text.split_once(':') {
        Some((SOURCE_ANY | "", key)) => (None, key),
        Some((source, key)) => (Some(source), key),
        None => (None, text),
    };
    if key.contains(':') {
        return Err(SelectorReason::SecondColon(text.to_owned()));
    }
    if key.is_empty() {
        return Err(SelectorReason::EmptyKey);
    }
    let is_key_character =
        |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    match text
        .chars()
        .find(|&character| !is_key_character(character) && character != ':')
    {
        Some(character) => Err(SelectorReason::KeyCharacter {
            key: text.to_owned(),
            character,
        }),
        None => Ok((source, key)),
    }
}

pub(super) fn parse(text: &str) -> Result<Selector, SelectorError> {
    let mut cursor = Cursor { text, at: 0 };
    cursor.skip_spaces();
    let mut requirements = Vec::new();
    while !cursor.rest().is_empty() || !requirements.is_empty() {
        requirements.push(requirement(&mut cursor)?);
        cursor.skip_spaces();
        if cursor.rest().is_empty() {
            break;
        }
        cursor.expect(",", "a comma or the end")?;
    }
    Ok(Selector::new(requirements))
}

fn requirement(cursor: &mut Cursor<'_>) -> Result<Requirement, SelectorError> {
    cursor.skip_spaces();
    let negated = cursor.take("!");
    cursor.skip_spaces();
    let key_at = cursor.at;
    let key = cursor.word();
    if key.is_empty() {
        return Err(cursor.expected("a label key"));
    }
    let operator = if negated {
        Operator::DoesNotExist
    } else {
        operator(cursor)?
    };
    Requirement::new(key, operator).map_err(|reason| cursor.error_at(key_at, reason))
}

fn operator(cursor: &mut Cursor<'_>) -> Result<Operator, SelectorError> {
    cursor.skip_spaces();
    if cursor.rest().is_empty() || cursor.rest().starts_with(',') {
        return Ok(Operator::Exists);
    }
    if cursor.take("!=") {
        return Ok(Operator::NotIn(vec![cursor.value()]));
    }
    if cursor.take("==") || cursor.take("=") {
        return Ok(Operator::In(vec![cursor.value()]));
    }
    let at = cursor.at;
    match cursor.word() {
        "in" => Ok(Operator::In(value_list(cursor)?)),
        "notin" => Ok(Operator::NotIn(value_list(cursor)?)),
        _ => {
            cursor.at = at;
            Err(cursor.expected("=, ==, !=, in, notin or a comma"))
        }
    }
}

fn value_list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, SelectorError> {
    cursor.skip_spaces();
    cursor.expect("(", "an opening parenthesis")?;
    let mut values = Vec::new();
    loop {
        values.push(cursor.value());
        cursor.skip_spaces();
        if cursor.take(")") {
            return Ok(values);
        }
        cursor.expect(",", "a comma or a closing parenthesis")?;
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Result<(), SelectorError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    /// Everything up to the next space or operator; may be empty.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let is_end = |character: char| character.is_whitespace() || "=!,()<>".contains(character);
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn value(&mut self) -> String {
        self.skip_spaces();
        self.word().to_owned()
    }

    fn expected(&self, expected: &'static str) -> SelectorError {
        let found = match self.rest().chars().next() {
            None => "the end".to_owned(),
            Some(_) => {
                let word = Cursor {
                    text: self.text,
                    at: self.at,
                }
                .word();
                format!(
                    "{:?}",
                    if word.is_empty() {
                        &self.rest()[..first_character_bytes(self.rest())]
                    } else {
                        word
                    }
                )
            }
        };
        self.error_at(self.at, SelectorReason::Expected { expected, found })
    }

    fn error_at(&self, at: usize, reason: SelectorReason) -> SelectorError {
        SelectorError {
            text: self.text.to_owned(),
            column: self.text[..at].chars().count() + 1,
            reason,
        }
    }
}

fn first_character_bytes(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::selector::Selector;

    #[test]
    fn refuses_with_column_and_reason() {
        let check = |text: &str, expect: &str| {
            let error = Selector::parse(text).unwrap_err();
            assert_eq!(
                format!("{}: {}", error.column, error.reason),
                expect,
                "{text}"
            );
        };
        check("a=b,", "5: expected a label key, found the end");
        check(",a", "1: expected a label key, found \",\"");
        check(
            "a b",
            "3: expected =, ==, !=, in, notin or a comma, found \"b\"",
        );
        check("a=b c", "5: expected a comma or the end, found \"c\"");
        check("a in b", "6: expected an opening parenthesis, found \"b\"");
        check(
            "a in (b",
            "8: expected a comma or a closing parenthesis, found the end",
        );
        check(
            "a > 1",
            "3: expected =, ==, !=, in, notin or a comma, found \">\"",
        );
        check(
            "k8s:x:y=z",
            "1: the key \"k8s:x:y\" has a second colon (only a source may stand before it, as in k8s:role)",
        );
        check("a, k8s:=z", "4: the key is empty");
        check("ä€=z", "1: the key \"ä€\" has the character 'ä'");
        check("a=b=c", "4: expected a comma or the end, found \"=\"");
        check("!a=b", "3: expected a comma or the end, found \"=\"");
        check("=b", "1: expected a label key, found \"=\"");
        check("!", "2: expected a label key, found the end");
        let error = Selector::parse("a b").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("selector \"a b\", column 3: expected")
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_prints_what_it_parsed(text in "[ab:=!,() inot\u{e4}\u{20ac}./-]{0,24}") {
            if let Ok(selector) = Selector::parse(&text) {
                prop_assert_eq!(Selector::parse(&selector.to_string()).unwrap(), selector);
            }
        }
    }
}
