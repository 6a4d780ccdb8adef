//! The syntax of the names in an endpoint file: Kubernetes' own, so that policies fit them.

/// Longest DNS label, label name and label value.
const MAX_LABEL: usize = 63;
/// Longest DNS subdomain.
const MAX_SUBDOMAIN: usize = 253;
/// Longest interface name: IFNAMSIZ without its zero.
const MAX_INTERFACE: usize = 15;
/// Longest port name (RFC 6335).
const MAX_PORT_NAME: usize = 15;
/// Longest file name and path of Linux.
const MAX_FILE_NAME: usize = 255;
const MAX_PATH: usize = 4095;

/// What a check says: why the text does not fit.
pub(super) type Syntax = Result<(), String>;

/// `name` of 1 to `max` bytes, for messages that name the bound.
fn length(text: &str, max: usize) -> Syntax {
    match text.len() {
        0 => Err("is empty".to_owned()),
        found if found > max => Err(format!("is {found} bytes long; at most {max} are allowed")),
        _ => Ok(()),
    }
}

/// Only these characters, with a letter or digit at both ends.
fn characters(text: &str, allowed: fn(char) -> bool, said: &str) -> Syntax {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !text.chars().all(allowed) {
        Err(format!("`{text}` may hold only {said}"))
    } else if !ends(text.chars().next()) || !ends(text.chars().next_back()) {
        Err(format!(
            "`{text}` must begin and end with a letter or digit"
        ))
    } else {
        Ok(())
    }
}

/// A DNS label: the names of namespaces and clusters.
pub(super) fn dns_label(text: &str) -> Syntax {
    length(text, MAX_LABEL)?;
    characters(
        text,
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
        "lower-case letters, digits and `-`",
    )
}

/// A DNS subdomain: the names of nodes and endpoints.
pub(super) fn dns_subdomain(text: &str) -> Syntax {
    length(text, MAX_SUBDOMAIN)?;
    characters(
        text,
        |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.',
        "lower-case letters, digits, `-` and `.`",
    )?;
    for part in text.split('.') {
        dns_label(part).map_err(|why| format!("`{text}`: its part {why}"))?;
    }
    Ok(())
}

fn label_characters(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

const LABEL_SAID: &str = "letters, digits, `-`, `_` and `.`";

/// A label's key: a name, or a DNS subdomain, `/` and a name.
pub(super) fn label_key(text: &str) -> Syntax {
    let name = match text.split_once('/') {
        Some((prefix, name)) => {
            dns_subdomain(prefix).map_err(|why| format!("`{text}`: its prefix {why}"))?;
            name
        }
        None => text,
    };
    length(name, MAX_LABEL)?;
    characters(name, label_characters, LABEL_SAID)
}

/// A label's value; it may be empty.
pub(super) fn label_value(text: &str) -> Syntax {
    if text.is_empty() {
        return Ok(());
    }
    length(text, MAX_LABEL)?;
    characters(text, label_characters, LABEL_SAID)
}

/// The name of a network interface (`dev_valid_name` of the kernel).
pub(super) fn interface(text: &str) -> Syntax {
    length(text, MAX_INTERFACE)?;
    if text == "."
        || text == ".."
        || text.contains(|c: char| c.is_whitespace() || c.is_control() || "/:".contains(c))
    {
        return Err(format!("`{text}` is no name of an interface"));
    }
    Ok(())
}

/// The name of a network namespace, or an absolute path to one.
pub(super) fn netns(text: &str) -> Syntax {
    if text.contains(char::is_control) {
        return Err("holds control characters".to_owned());
    }
    if text.starts_with('/') {
        return length(text, MAX_PATH);
    }
    length(text, MAX_FILE_NAME)?;
    if text.contains('/') || text == "." || text == ".." {
        return Err(format!(
            "`{text}` is neither a name below /run/netns nor an absolute path"
        ));
    }
    Ok(())
}

/// The kind of a workload.
pub(super) fn kind(text: &str) -> Syntax {
    length(text, MAX_LABEL)?;
    characters(text, |c| c.is_ascii_alphanumeric(), "letters and digits")
}

/// The name of a port, as RFC 6335 has it.
pub(super) fn port_name(text: &str) -> Syntax {
    length(text, MAX_PORT_NAME)?;
    dns_label(text)?;
    if text.contains(|c: char| c.is_ascii_lowercase()) {
        Ok(())
    } else {
        Err(format!("`{text}` needs a letter, to tell it from a number"))
    }
}
