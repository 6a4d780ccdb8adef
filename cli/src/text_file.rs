//! A text that a command takes: a file, or standard input for `-`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest text; a server takes no larger message.
const MAX_BYTES: u64 = 4 << 20;

/// Reads all of it.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        bounded(io::stdin().lock())
    } else {
        bounded(File::open(path)?)
    }
}

fn bounded(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    // One byte more than allowed shows that there is more.
    let read_bytes = source.take(MAX_BYTES + 1).read_to_string(&mut text)? as u64;
    if read_bytes > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {MAX_BYTES} bytes"),
        ));
    }
    Ok(text)
}
