//! The log as a file: its lock, its making, reading whole lines, appending one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::store::BackendError;
use super::line::Header;

/// Bytes of one line.
pub(super) const MAX_LINE_BYTES: u64 = 256 << 20;

/// How long a writer may keep the others waiting.
const LONGEST_WRITE: Duration = Duration::from_secs(5);

/// Takes the lock under which the log is written; it is held until it is dropped, or the process dies.
///
/// # Errors
/// When it cannot be opened, or somebody holds it for [`LONGEST_WRITE`], such as a process that is stopped.
pub(super) fn lock(directory: &Path) -> Result<File, BackendError> {
    let path = directory.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(BackendError::io("open", &path))?;
    let begin = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begin.elapsed() < LONGEST_WRITE => {}
            Err(error) => return Err(BackendError::io("lock", &path)(error.into())),
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// The log, open, read up to `offset`.
#[derive(Debug)]
pub(super) struct Entries {
    path: PathBuf,
    file: File,
    inode: (u64, u64),
    /// The end of the last whole line that was read.
    offset: u64,
    /// How many lines were read.
    lines: u64,
}

impl Entries {
    /// Where it lies.
    pub(super) fn place(directory: &Path) -> PathBuf {
        directory.join("entries")
    }

    /// Opens it; for reading only, if nothing else is allowed.
    pub(super) fn open(path: &Path) -> Result<Self, BackendError> {
        let error = BackendError::io("open", path);
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Err(denied) if denied.kind() == ErrorKind::PermissionDenied => File::open(path),
            other => other,
        }
        .map_err(error)?;
        let metadata = file.metadata().map_err(BackendError::io("look at", path))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            inode: (metadata.dev(), metadata.ino()),
            offset: 0,
            lines: 0,
        })
    }

    /// Writes a log of these lines to `path`, which has no such file or gets another: either is whole at any time. The
    /// lock must be held.
    pub(super) fn replace(
        path: &Path,
        header: &Header,
        lines: impl Iterator<Item = Vec<u8>>,
    ) -> Result<(), BackendError> {
        let temporary = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = io::BufWriter::new(File::create(&temporary)?);
            file.write_all(&text(header))?;
            for line in lines {
                file.write_all(&line)?;
            }
            file.into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_data()
        };
        write().map_err(BackendError::io("write", &temporary))?;
        fs::rename(&temporary, path).map_err(BackendError::io("put in place", path))
    }

    /// Whether this is still the file at its path, with what was read of it.
    pub(super) fn is_in_place(&self) -> Result<bool, BackendError> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(BackendError::Moved {
                    path: self.path.clone(),
                });
            }
            Err(error) => return Err(BackendError::io("look at", &self.path)(error)),
        };
        let same = (metadata.dev(), metadata.ino()) == self.inode;
        Ok(same && metadata.len() >= self.offset)
    }

    /// Reads the whole lines that have come, each without its end.
    pub(super) fn read(
        &mut self,
        mut take: impl FnMut(&Self, &[u8]) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        let end = self.file_length()?;
        if end <= self.offset {
            return Ok(());
        }
        let io_error = |path: &Path| BackendError::io("read", path);
        let file = self.file.try_clone().map_err(io_error(&self.path))?;
        let mut reader = BufReader::new(file);
        reader
            .seek(SeekFrom::Start(self.offset))
            .map_err(io_error(&self.path))?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = io::Read::take(&mut reader, MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .map_err(io_error(&self.path))?;
            if line.pop_if(|last| *last == b'\n').is_none() {
                if count as u64 >= MAX_LINE_BYTES {
                    return Err(self.damaged("the line is too long".to_owned()));
                }
                return Ok(());
            }
            self.lines += 1;
            if let Err(error) = take(self, &line) {
                // It is read again, and must be the same line again.
                self.lines -= 1;
                return Err(error);
            }
            self.offset += count as u64;
        }
    }

    /// Appends a line; one that cannot be written whole is taken back. The lock must be held, and everything read.
    pub(super) fn append(&mut self, line: &[u8], sync: bool) -> Result<(), BackendError> {
        if self.file_length()? > self.offset {
            // A writer has died while it wrote: nobody has read that.
            self.cut()?;
        }
        if let Err(source) = self.file.write_all(line) {
            self.cut()?;
            return Err(BackendError::io("append to", &self.path)(source));
        }
        if sync {
            self.file
                .sync_data()
                .map_err(BackendError::io("sync", &self.path))?;
        }
        self.offset += line.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// What is wrong with the line that is read now.
    pub(super) fn damaged(&self, reason: String) -> BackendError {
        BackendError::Damaged {
            path: self.path.clone(),
            line: self.lines,
            reason,
        }
    }

    /// How many lines were read.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    fn cut(&self) -> Result<(), BackendError> {
        self.file
            .set_len(self.offset)
            .map_err(BackendError::io("cut off half a line of", &self.path))
    }

    fn file_length(&self) -> Result<u64, BackendError> {
        let metadata = self.file.metadata();
        Ok(metadata
            .map_err(BackendError::io("look at", &self.path))?
            .len())
    }
}

/// A line as it stands in the file.
pub(super) fn text<T: serde::Serialize>(line: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("lines have text keys only");
    text.push(b'\n');
    text
}
