//! Root: the demo needs it, and says how to get it.

use std::ffi::OsString;
use std::path::Path;

/// The demo was not started as root.
#[derive(Debug, thiserror::Error)]
#[error(
    "the demo needs root: it makes network namespaces and loads eBPF programs. Run\n  {command}"
)]
pub(crate) struct NeedsRoot {
    /// The same command, as root.
    pub(crate) command: String,
}

/// Refuses anybody but root.
pub(super) fn check() -> Result<(), NeedsRoot> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let program = std::env::current_exe();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.clone(), rest.to_vec()),
        None => (OsString::from("tycho"), vec![OsString::from("demo")]),
    };
    // A bare name was found on the PATH, which root's may lack. Anything else is the file itself.
    let program = program.map_or(name, |path| path.into_os_string());
    Err(NeedsRoot {
        command: as_root(Path::new(&program), &rest),
    })
}

fn as_root(program: &Path, arguments: &[OsString]) -> String {
    let mut command = format!("sudo {}", quoted(&program.to_string_lossy()));
    for argument in arguments {
        command.push(' ');
        command.push_str(&quoted(&argument.to_string_lossy()));
    }
    command
}

/// The word as a shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-=:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::as_root;

    #[test]
    fn the_command_is_repeated_as_root() {
        for (program, arguments, expect) in [
            ("/usr/bin/tycho", &["demo"][..], "sudo /usr/bin/tycho demo"),
            (
                "/my tools/tycho",
                &["demo", "--duration", "5"],
                "sudo '/my tools/tycho' demo --duration 5",
            ),
            ("/o'b/tycho", &["demo", ""], r"sudo '/o'\''b/tycho' demo ''"),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(as_root(Path::new(program), &arguments), expect);
        }
    }
}
