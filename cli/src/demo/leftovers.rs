//! Processes of a demo that was killed: they are known by the namespace that they run in, and by the demo's directory on
//! their command line.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const NAMESPACES: &str = "/run/netns";
/// How long they may take to end after they were told to; then they are killed.
const END_TIMEOUT: Duration = Duration::from_secs(5);
const END_POLL: Duration = Duration::from_millis(20);

/// Ends them, and says which there were, by name and number.
pub(super) fn end(namespace_prefix: &str, directory: &Path) -> Vec<String> {
    let namespaces = namespaces(namespace_prefix);
    let find = || {
        let mut found = processes();
        found.retain(|process| process.belongs(&namespaces, directory));
        found
    };
    let found = find();
    for (signal, patience) in [
        (Signal::SIGTERM, END_TIMEOUT),
        (Signal::SIGKILL, END_TIMEOUT),
    ] {
        let left = find();
        for process in &left {
            // It may have ended meanwhile.
            kill(Pid::from_raw(process.pid), signal).ok();
        }
        let told = Instant::now();
        while !find().is_empty() && told.elapsed() < patience {
            thread::sleep(END_POLL);
        }
    }
    found.into_iter().map(|process| process.name()).collect()
}

/// A namespace as `/proc` has it: device and inode.
type NamespaceId = (u64, u64);

#[derive(Debug)]
struct Running {
    pid: i32,
    namespace: NamespaceId,
    arguments: Vec<String>,
}

impl Running {
    /// Both, as an observer of somebody else may run in a namespace of that name, and somebody may look at a file of the
    /// demo with a program of his own.
    fn belongs(&self, namespaces: &HashSet<NamespaceId>, directory: &Path) -> bool {
        let directory = format!("{}/", directory.display());
        let own = i32::try_from(std::process::id()).ok();
        Some(self.pid) != own
            && namespaces.contains(&self.namespace)
            && self
                .arguments
                .iter()
                .any(|argument| argument.contains(&directory))
    }

    fn name(&self) -> String {
        let words: Vec<&str> = self.arguments.iter().take(2).map(String::as_str).collect();
        let words = match words[..] {
            [program, first] if !first.starts_with('-') => format!("{} {first}", base(program)),
            [program, ..] => base(program).to_owned(),
            [] => String::new(),
        };
        format!("process {} ({words})", self.pid)
    }
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn namespaces(prefix: &str) -> HashSet<NamespaceId> {
    let entries = fs::read_dir(NAMESPACES).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .filter_map(|entry| id(&entry.path()))
        .collect()
}

fn id(path: &Path) -> Option<NamespaceId> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Those of which all can be read; a process that ends meanwhile is none.
fn processes() -> Vec<Running> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let command_line = fs::read(entry.path().join("cmdline")).ok()?;
            let arguments = command_line.split(|byte| *byte == 0);
            Some(Running {
                pid,
                namespace: id(&entry.path().join("ns/net"))?,
                arguments: arguments
                    .map(|argument| String::from_utf8_lossy(argument).into_owned())
                    .collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::{Running, processes};

    #[test]
    fn which_processes_are_of_a_demo() {
        let directory = Path::new("/run/tycho/demo");
        let ours = HashSet::from([(4, 1)]);
        for (namespace, line, expected) in [
            (
                (4, 1),
                "tycho observer --state /run/tycho/demo/node-a",
                true,
            ),
            (
                (4, 1),
                "/usr/bin/etcd --data-dir /run/tycho/demo/etcd",
                true,
            ),
            (
                (4, 1),
                "tycho relay --listen unix:///run/tycho/demo/relay.sock",
                true,
            ),
            (
                (4, 2),
                "tycho observer --state /run/tycho/demo/node-a",
                false,
            ),
            ((4, 1), "curl http://10.2.0.21:8080", false),
            (
                (4, 1),
                "tycho observer --state /run/tycho/demonstration/x",
                false,
            ),
            ((4, 1), "bash", false),
        ] {
            let process = Running {
                pid: i32::MAX,
                namespace,
                arguments: line.split(' ').map(str::to_owned).collect(),
            };
            assert_eq!(process.belongs(&ours, directory), expected, "{line}");
        }
    }

    #[test]
    fn it_sees_itself_and_leaves_itself_alone() {
        let own = i32::try_from(std::process::id()).unwrap();
        let running = processes().into_iter().find(|process| process.pid == own);
        let mut own = running.expect("it runs");
        own.arguments.push("/x/y".to_owned());
        let namespaces = HashSet::from([own.namespace]);
        assert!(!own.belongs(&namespaces, Path::new("/x")));
        own.pid += 1;
        assert!(own.belongs(&namespaces, Path::new("/x")));
    }

    #[test]
    fn names() {
        for (line, expected) in [
            ("/usr/bin/tycho observer --x", "process 7 (tycho observer)"),
            ("etcd --data-dir x", "process 7 (etcd)"),
            ("etcd", "process 7 (etcd)"),
        ] {
            let process = Running {
                pid: 7,
                namespace: (0, 0),
                arguments: line.split(' ').map(str::to_owned).collect(),
            };
            assert_eq!(process.name(), expected);
        }
    }
}
