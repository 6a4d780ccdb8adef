//! `key=value` on the command line.

/// Splits at the first equals sign.
pub(super) fn parse(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write key=value".to_owned()),
    }
}

/// A name with a port, `http=80`.
pub(super) fn port(text: &str) -> Result<(String, u16), String> {
    let (name, port) = parse(text)?;
    let number = port.parse().ok().filter(|number| *number > 0);
    let number =
        number.ok_or_else(|| format!("{port:?} is not a port; write name=80, from 1 to 65535"))?;
    Ok((name, number))
}

/// A change of labels: `key=value` sets one, `key-` removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Set(String, String),
    Remove(String),
}

/// Reads a change.
pub(super) fn change(text: &str) -> Result<Change, String> {
    match text.strip_suffix('-') {
        Some(key) if !key.is_empty() && !key.contains('=') => Ok(Change::Remove(key.to_owned())),
        _ => parse(text)
            .map(|(key, value)| Change::Set(key, value))
            .map_err(|_wanted| "write key=value to set a label, key- to remove it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, change, port};

    #[test]
    fn changes_and_ports() {
        let set = |key: &str, value: &str| Ok(Change::Set(key.to_owned(), value.to_owned()));
        assert_eq!(change("role=db"), set("role", "db"));
        assert_eq!(change("role="), set("role", ""));
        assert_eq!(change("a=b-"), set("a", "b-"));
        assert_eq!(change("role-"), Ok(Change::Remove("role".to_owned())));
        for text in ["", "-", "role", "=x"] {
            assert!(change(text).is_err(), "{text}");
        }
        assert_eq!(port("http=80"), Ok(("http".to_owned(), 80)));
        for text in ["http", "http=0", "http=x", "http=70000", "=80"] {
            assert!(port(text).is_err(), "{text}");
        }
    }
}
