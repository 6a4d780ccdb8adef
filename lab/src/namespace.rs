//! Named network namespaces, as `ip netns` keeps them below `/run/netns`.

use std::any::Any;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use thiserror::Error;

use crate::ip_command::{IpCommandError, run_ip};

pub(crate) const DIRECTORY: &str = "/run/netns";
const LONGEST_NAME: usize = 128;

/// Why a namespace could not be made, entered or removed.
#[derive(Debug, Error)]
pub enum NamespaceError {
    /// The name would not be one plain file name.
    #[error(
        "`{name}` is not a namespace name: 1 to {LONGEST_NAME} letters, digits, `-`, `_` or `.`, \
         starting with a letter or digit"
    )]
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// There is one of that name already.
    #[error("namespace {name} exists already; remove it with `ip netns delete {name}`")]
    Exists {
        /// Its name.
        name: String,
    },
    /// There is none of that name.
    #[error("there is no namespace {name}; `ip netns list` shows those that exist")]
    Missing {
        /// The name looked for.
        name: String,
    },
    /// The file of the namespace could not be opened or listed.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The `ip` command refused.
    #[error("cannot change namespace {name}")]
    Command {
        /// Its name.
        name: String,
        /// What it said.
        source: Box<IpCommandError>,
    },
    /// The thread could not be started.
    #[error("cannot start a thread for namespace {name}")]
    Thread {
        /// Its name.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The thread could not enter the namespace.
    #[error("cannot enter namespace {name}; it needs root (CAP_SYS_ADMIN)")]
    Enter {
        /// Its name.
        name: String,
        /// What the kernel said.
        source: Errno,
    },
    /// The work that ran inside the namespace panicked.
    #[error("the work in namespace {name} panicked: {message}")]
    Panicked {
        /// Its name.
        name: String,
        /// The panic's message.
        message: String,
    },
}

/// A handle on a named network namespace. Dropping it leaves the namespace as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a new namespace.
    ///
    /// # Errors
    /// The name is invalid or taken, or `ip netns add` failed.
    pub fn create(name: &str) -> Result<Self, NamespaceError> {
        let namespace = Self::named(name)?;
        if namespace.path().exists() {
            return Err(NamespaceError::Exists {
                name: namespace.name,
            });
        }
        run_ip(&["netns", "add", name]).map_err(|source| NamespaceError::Command {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        Ok(namespace)
    }

    /// A handle on a namespace that exists.
    ///
    /// # Errors
    /// The name is invalid, or there is none of that name.
    pub fn open(name: &str) -> Result<Self, NamespaceError> {
        let namespace = Self::named(name)?;
        if !namespace.path().exists() {
            return Err(NamespaceError::Missing {
                name: namespace.name,
            });
        }
        Ok(namespace)
    }

    /// Whether there is a namespace of that name.
    pub fn exists(name: &str) -> bool {
        Self::named(name).is_ok_and(|namespace| namespace.path().exists())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it, `/run/netns/<name>`.
    pub fn path(&self) -> PathBuf {
        Path::new(DIRECTORY).join(&self.name)
    }

    /// Removes the name. The kernel ends the namespace, and the interfaces in it, once the last
    /// process or socket has left it.
    ///
    /// # Errors
    /// There is none of that name, or `ip netns delete` failed.
    pub fn delete(&self) -> Result<(), NamespaceError> {
        if !self.path().exists() {
            return Err(NamespaceError::Missing {
                name: self.name.clone(),
            });
        }
        run_ip(&["netns", "delete", &self.name]).map_err(|source| NamespaceError::Command {
            name: self.name.clone(),
            source: Box::new(source),
        })
    }

    /// Runs `work` on a fresh thread inside the namespace and returns its value. A socket opened
    /// there stays in the namespace and can be used from any thread afterwards.
    ///
    /// # Errors
    /// The namespace cannot be entered, or `work` panicked.
    pub fn run<T, W>(&self, work: W) -> Result<T, NamespaceError>
    where
        T: Send,
        W: FnOnce() -> T + Send,
    {
        let entry = self.entry()?;
        thread::scope(|scope| {
            let inside = thread::Builder::new()
                .name(self.thread_name())
                .spawn_scoped(scope, move || {
                    setns(entry, CloneFlags::CLONE_NEWNET).map(|()| work())
                })
                .map_err(|source| NamespaceError::Thread {
                    name: self.name.clone(),
                    source,
                })?;
            match inside.join() {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(source)) => Err(NamespaceError::Enter {
                    name: self.name.clone(),
                    source,
                }),
                Err(panic) => Err(NamespaceError::Panicked {
                    name: self.name.clone(),
                    message: panic_message(panic.as_ref()),
                }),
            }
        })
    }

    /// Starts `work` on a thread inside the namespace and returns once the thread has entered it.
    ///
    /// # Errors
    /// The thread cannot be started or cannot enter the namespace.
    pub fn spawn<W>(&self, work: W) -> Result<JoinHandle<()>, NamespaceError>
    where
        W: FnOnce() + Send + 'static,
    {
        let entry = self.entry()?;
        let (report, entered) = sync_channel(1);
        let worker = thread::Builder::new()
            .name(self.thread_name())
            .spawn(move || {
                let result = setns(entry, CloneFlags::CLONE_NEWNET);
                let inside = result.is_ok();
                // The starter waits for this one message, so it cannot have gone.
                let _ = report.send(result);
                if inside {
                    work();
                }
            })
            .map_err(|source| NamespaceError::Thread {
                name: self.name.clone(),
                source,
            })?;
        match entered.recv() {
            Ok(Ok(())) => Ok(worker),
            Ok(Err(source)) => Err(NamespaceError::Enter {
                name: self.name.clone(),
                source,
            }),
            Err(_) => Err(NamespaceError::Enter {
                name: self.name.clone(),
                source: Errno::ECANCELED,
            }),
        }
    }

    fn named(name: &str) -> Result<Self, NamespaceError> {
        if is_valid_name(name) {
            Ok(Self {
                name: name.to_owned(),
            })
        } else {
            Err(NamespaceError::InvalidName {
                name: name.to_owned(),
            })
        }
    }

    fn entry(&self) -> Result<File, NamespaceError> {
        let path = self.path();
        File::open(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => NamespaceError::Missing {
                name: self.name.clone(),
            },
            _ => NamespaceError::Read { path, source },
        })
    }

    /// The kernel keeps 15 bytes of a thread's name: the end of ours tells more than its start.
    fn thread_name(&self) -> String {
        let start = self.name.len().saturating_sub(15);
        self.name.get(start..).unwrap_or_default().to_owned()
    }
}

pub(crate) fn is_valid_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Namespace, NamespaceError, is_valid_name};

    #[test]
    fn names_are_plain_file_names() {
        let cases = [
            ("tycho-demo-node-a", true),
            ("a", true),
            ("a.b_c-1", true),
            ("", false),
            (".", false),
            ("..", false),
            ("-n", false),
            ("a/b", false),
            ("a b", false),
            ("a\nnetns delete b", false),
            ("größe", false),
        ];
        for (name, expected) in cases {
            assert_eq!(is_valid_name(name), expected, "{name:?}");
        }
        assert!(is_valid_name(&"n".repeat(128)));
        assert!(!is_valid_name(&"n".repeat(129)));
    }

    #[test]
    fn a_namespace_that_is_not_there_is_missing() {
        let name = "tycho-lab-never-made";
        assert!(!Namespace::exists(name));
        let error = Namespace::open(name).unwrap_err();
        assert!(matches!(error, NamespaceError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(name));
    }
}
