//! A directory of manifests (policies): the texts of its YAML and JSON files, in order of name.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::watch::Source;

/// Files one directory may hold.
pub const MAX_FILES: usize = 4096;

/// Size of one file, in bytes.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// Size of all files together, in bytes.
pub const MAX_TOTAL_BYTES: u64 = 64 << 20;

/// What the name of a manifest ends with.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// One file, read but not parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its path.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// Why a directory is not used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The directory or a file of it cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds more than [`MAX_FILES`] manifests.
    #[error("{} holds more than {MAX_FILES} manifests: put several into one file, separated by `---`", path.display())]
    TooMany {
        /// The directory.
        path: PathBuf,
    },
    /// A file, or all together, are too large.
    #[error("{} is too large: at most {MAX_FILE_BYTES} bytes in a file, {MAX_TOTAL_BYTES} in the directory", path.display())]
    TooLarge {
        /// The file at which the bound was passed.
        path: PathBuf,
    },
}

/// The manifests of a directory. Hidden files and subdirectories are left out.
///
/// # Errors
/// See [`DirectoryError`].
pub fn read(directory: &Path) -> Result<Vec<Manifest>, DirectoryError> {
    read_each(directory)?.collect()
}

/// The same, file by file: each is read, or what is wrong with it is told, whatever is wrong with the others.
///
/// # Errors
/// When the directory cannot be read, or holds too many files.
pub fn read_each(
    directory: &Path,
) -> Result<impl Iterator<Item = Result<Manifest, DirectoryError>>, DirectoryError> {
    let paths = list(directory)?;
    if paths.len() > MAX_FILES {
        return Err(DirectoryError::TooMany {
            path: directory.to_owned(),
        });
    }
    let mut total_bytes = 0;
    let read = move |path| read_one(path, &mut total_bytes).transpose();
    Ok(paths.into_iter().filter_map(read))
}

/// `None` if the file was removed since it was listed.
fn read_one(path: PathBuf, total_bytes: &mut u64) -> Result<Option<Manifest>, DirectoryError> {
    let text = match read_bounded(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DirectoryError::Read { path, source }),
    };
    let size_bytes = text.len() as u64;
    if size_bytes > MAX_FILE_BYTES || *total_bytes + size_bytes > MAX_TOTAL_BYTES {
        return Err(DirectoryError::TooLarge { path });
    }
    *total_bytes += size_bytes;
    Ok(Some(Manifest { path, text }))
}

/// At most one byte more than a file may have, so that a longer one shows.
fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// The paths of the manifests, sorted; one more than [`MAX_FILES`] at most.
fn list(directory: &Path) -> Result<Vec<PathBuf>, DirectoryError> {
    let read_error = |source| DirectoryError::Read {
        path: directory.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(read_error)? {
        let path = entry.map_err(read_error)?.path();
        if is_manifest(&path) && paths.len() <= MAX_FILES {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// A regular file, or a link to one, with the name of a manifest.
fn is_manifest(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let named = path
        .extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known));
    // A dangling link stays in: that it cannot be read must not go unnoticed.
    named && !hidden && fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

/// A directory of manifests as a [`Source`] to watch.
#[derive(Clone, Debug)]
pub struct DirectorySource {
    directory: PathBuf,
}

impl DirectorySource {
    /// The directory at `directory`; it need not exist yet.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }
}

impl Source for DirectorySource {
    type State = Vec<Manifest>;
    type Error = DirectoryError;

    fn paths(&self) -> Vec<PathBuf> {
        let mut paths = list(&self.directory).unwrap_or_default();
        // The directory itself: tells a missing one from an empty one.
        paths.push(self.directory.clone());
        paths
    }

    fn load(&self) -> Result<Vec<Manifest>, DirectoryError> {
        read(&self.directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_files_are_manifests() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "b.yaml",
            "a.yml",
            "c.json",
            ".hidden.yaml",
            "notes.txt",
            "yaml",
            "x.yaml~",
        ] {
            fs::write(directory.path().join(name), name).unwrap();
        }
        fs::create_dir(directory.path().join("sub.yaml")).unwrap();
        let texts: Vec<String> = read(directory.path())
            .unwrap()
            .into_iter()
            .map(|file| file.text)
            .collect();
        assert_eq!(texts, ["a.yml", "b.yaml", "c.json"]);
    }

    #[test]
    fn bounds_and_errors() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        assert!(matches!(read(&missing), Err(DirectoryError::Read { .. })));
        fs::write(directory.path().join("binary.yaml"), [0xff, 0xfe]).unwrap();
        assert!(matches!(
            read(directory.path()),
            Err(DirectoryError::Read { .. })
        ));
        let large = File::create(directory.path().join("binary.yaml")).unwrap();
        large.set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(matches!(
            read(directory.path()),
            Err(DirectoryError::TooLarge { .. })
        ));
        fs::write(directory.path().join("good.yaml"), "good").unwrap();
        let each = read_each(directory.path()).unwrap();
        let each: Vec<bool> = each.map(|one| one.is_ok()).collect();
        assert_eq!(each, [false, true]);
        fs::remove_file(directory.path().join("good.yaml")).unwrap();
        large.set_len(MAX_FILE_BYTES).unwrap();
        assert_eq!(read(directory.path()).unwrap().len(), 1);
    }
}
