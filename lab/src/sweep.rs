//! Removes the namespaces that an earlier run left behind.

use std::io;
use std::path::PathBuf;

use crate::namespace::{DIRECTORY, Namespace, NamespaceError, is_valid_name};

/// Removes every namespace whose name starts with `prefix`, such as those an earlier run left
/// behind when it was killed, and returns their names. Nothing to remove is no error.
///
/// # Errors
/// The prefix is not the start of a valid name (an empty one would remove them all), or a
/// namespace could not be removed.
pub fn sweep(prefix: &str) -> Result<Vec<String>, NamespaceError> {
    if !is_valid_name(prefix) {
        return Err(NamespaceError::InvalidName {
            name: prefix.to_owned(),
        });
    }
    let mut removed = Vec::new();
    for name in names()? {
        if !name.starts_with(prefix) {
            continue;
        }
        match Namespace::open(&name).and_then(|namespace| namespace.delete()) {
            // Another sweep may have been faster.
            Err(_) if !Namespace::exists(&name) => {}
            Err(error) => return Err(error),
            Ok(()) => removed.push(name),
        }
    }
    Ok(removed)
}

/// The names below `/run/netns`, sorted.
fn names() -> Result<Vec<String>, NamespaceError> {
    let read_error = |source| NamespaceError::Read {
        path: PathBuf::from(DIRECTORY),
        source,
    };
    let entries = match std::fs::read_dir(DIRECTORY) {
        // The first `ip netns add` makes the directory.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read_error)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry.map_err(read_error)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::sweep;
    use crate::namespace::NamespaceError;

    #[test]
    fn a_sweep_without_prefix_is_refused() {
        for prefix in ["", "-", "/", "../"] {
            assert!(
                matches!(sweep(prefix), Err(NamespaceError::InvalidName { .. })),
                "{prefix:?}"
            );
        }
    }
}
