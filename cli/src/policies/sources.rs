//! Where policies come from on the command line: files, directories (read as the observer reads one), standard input.

use std::collections::HashSet;
use std::path::PathBuf;

use super::PolicyError;
use crate::text_file;

/// One text with the name that messages give it.
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
}

/// Reads them all, each once.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Source>, PolicyError> {
    let mut sources: Vec<Source> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let manifests = registry::directory::read(path)?.into_iter();
            sources.extend(manifests.map(|manifest| Source {
                file: manifest.path.display().to_string(),
                text: manifest.text,
            }));
            continue;
        }
        let text = text_file::read(path).map_err(|source| PolicyError::File {
            path: path.clone(),
            source,
        })?;
        sources.push(Source {
            file: path.display().to_string(),
            text,
        });
    }
    let mut files = HashSet::new();
    sources.retain(|source| files.insert(source.file.clone()));
    Ok(sources)
}
