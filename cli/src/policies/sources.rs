//! Where policies come from on the command line: files, directories (read as the observer reads one), standard input.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use registry::directory::{self, Manifest};

use super::PolicyError;
use crate::text_file;

/// One text with the name that messages give it.
pub(super) struct Source {
    pub(super) file: String,
    pub(super) text: String,
}

/// Reads them all, each once.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Source>, PolicyError> {
    read_each(paths).into_iter().collect()
}

/// The same, file by file: each is read, or says why it cannot be.
pub(super) fn read_each(paths: &[PathBuf]) -> Vec<Result<Source, PolicyError>> {
    let mut files = HashSet::new();
    let mut sources = Vec::new();
    for path in paths {
        sources.extend(read_path(path));
    }
    sources.retain(|source| match source {
        Ok(source) => files.insert(source.file.clone()),
        Err(_) => true,
    });
    sources
}

fn read_path(path: &Path) -> Vec<Result<Source, PolicyError>> {
    if !path.is_dir() {
        let text = text_file::read(path).map_err(|source| PolicyError::File {
            path: path.to_owned(),
            source,
        });
        return vec![text.map(|text| Source {
            file: path.display().to_string(),
            text,
        })];
    }
    match directory::read_each(path) {
        Ok(manifests) => manifests.map(|one| Ok(one?.into())).collect(),
        Err(error) => vec![Err(error.into())],
    }
}

impl From<Manifest> for Source {
    fn from(manifest: Manifest) -> Self {
        Self {
            file: manifest.path.display().to_string(),
            text: manifest.text,
        }
    }
}
