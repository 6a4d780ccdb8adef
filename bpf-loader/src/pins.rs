//! The pin directory: what outlives the process, so that enforcement goes on without it.
//!
//! `<node>/v<layout>/maps/<MAP>` and `<node>/v<layout>/links/<ifindex>-<hook>`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aya::maps::MapData;
use bpf_events::config::LAYOUT_VERSION;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};

use crate::error::LoaderError;
use crate::hash;
use crate::hook::Hook;
use crate::settings::Settings;

const BPFFS: &str = "/sys/fs/bpf";

/// Pin directory of one node.
#[derive(Clone, Debug)]
pub struct Pins {
    node: PathBuf,
}

impl Pins {
    /// The usual place. bpffs has no names with a dot (`bpf_lookup`), and nodes have no names with an underscore.
    pub fn default_directory(node: &str) -> PathBuf {
        Path::new(BPFFS).join("tycho").join(node.replace('.', "_"))
    }

    /// Pins of a node in this directory, which must lie on bpffs.
    pub fn at(node: impl Into<PathBuf>) -> Self {
        Self { node: node.into() }
    }

    /// Whether an earlier process left maps of this layout.
    pub fn exist(&self) -> bool {
        self.maps().is_dir()
            && fs::read_dir(self.maps()).is_ok_and(|mut maps| maps.next().is_some())
    }

    /// Mounts bpffs if nobody did, and makes the directories.
    pub(crate) fn prepare(&self) -> Result<(), LoaderError> {
        if self.node.starts_with(BPFFS) {
            mount_bpffs()?;
        }
        for directory in [self.maps(), self.links()] {
            fs::create_dir_all(&directory).map_err(|source| LoaderError::File {
                operation: "create the pin directory",
                path: directory,
                source,
            })?;
        }
        Ok(())
    }

    /// The settings with the sizes of the pinned maps, which stay as they are.
    pub(crate) fn sizes(&self, settings: &Settings) -> Result<Settings, LoaderError> {
        let size = |name: &'static str, wanted: u32| {
            let path = self.map(name);
            if !path.exists() {
                return Ok(wanted);
            }
            let failed = hash::failed(name, "read the size of the pinned map");
            let info = MapData::from_pin(&path).and_then(|map| map.info());
            let pinned = info.map_err(failed)?.max_entries();
            if pinned != wanted {
                tracing::warn!(
                    map = name,
                    pinned,
                    wanted,
                    pins = %self.node.display(),
                    "the pinned map keeps its size; remove the pins to change it"
                );
            }
            Ok(pinned)
        };
        Ok(Settings {
            pins: settings.pins.clone(),
            ring_bytes: size("EVENTS", settings.ring_bytes)?,
            edge_slots: size("EDGES", settings.edge_slots)?,
            connections: size("CONNECTIONS4", settings.connections)?,
            policy_cells: size("POLICY_CELLS", settings.policy_cells)?,
        })
    }

    /// Removes everything of this node: programs are detached and maps freed. What else lies in the directory is not ours.
    pub fn remove(&self) -> Result<(), LoaderError> {
        for layout in self.layouts()? {
            remove_all(layout)?;
        }
        match fs::remove_dir(&self.node) {
            Err(source)
                if !matches!(
                    source.kind(),
                    ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty | ErrorKind::ResourceBusy
                ) =>
            {
                Err(LoaderError::File {
                    operation: "remove the pins",
                    path: self.node.clone(),
                    source,
                })
            }
            _ => Ok(()),
        }
    }

    /// Removes the pins of other layouts, once this one is in place.
    pub(crate) fn remove_other_layouts(&self) -> Result<(), LoaderError> {
        for layout in self.layouts()? {
            if layout != self.layout() {
                remove_all(layout)?;
            }
        }
        Ok(())
    }

    /// The directories of all layouts, by their names.
    fn layouts(&self) -> Result<Vec<PathBuf>, LoaderError> {
        let failed = |source| LoaderError::File {
            operation: "read the pin directory",
            path: self.node.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.node) {
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut layouts = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if is_layout(&path) {
                layouts.push(path);
            }
        }
        Ok(layouts)
    }

    /// Every pinned link with its interface and hook.
    pub(crate) fn pinned_links(&self) -> Result<Vec<(u32, Hook, PathBuf)>, LoaderError> {
        let failed = |source| LoaderError::File {
            operation: "read the pinned links",
            path: self.links(),
            source,
        };
        let mut links = Vec::new();
        for entry in fs::read_dir(self.links()).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let parsed = name
                .and_then(|name| name.split_once('-'))
                .and_then(|(ifindex, hook)| Some((ifindex.parse().ok()?, Hook::parse(hook)?)));
            if let Some((ifindex, hook)) = parsed {
                links.push((ifindex, hook, path));
            }
        }
        Ok(links)
    }

    pub(crate) fn link(&self, ifindex: u32, hook: Hook) -> PathBuf {
        self.links().join(format!("{ifindex}-{}", hook.name()))
    }

    /// When the pinned maps were made, as bpffs remembers it.
    pub fn made_at(&self) -> Option<SystemTime> {
        fs::metadata(self.map("EDGES")).ok()?.modified().ok()
    }

    pub(crate) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    fn layout(&self) -> PathBuf {
        self.node.join(format!("v{LAYOUT_VERSION}"))
    }

    fn maps(&self) -> PathBuf {
        self.layout().join("maps")
    }

    fn links(&self) -> PathBuf {
        self.layout().join("links")
    }
}

fn remove_all(layout: PathBuf) -> Result<(), LoaderError> {
    fs::remove_dir_all(&layout).map_err(|source| LoaderError::File {
        operation: "remove the pins in",
        path: layout,
        source,
    })
}

/// Whether a directory is called as those of layouts are.
fn is_layout(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.strip_prefix('v'))
        .is_some_and(|version| version.parse::<u32>().is_ok())
}

fn mount_bpffs() -> Result<(), LoaderError> {
    if statfs(BPFFS).is_ok_and(|found| found.filesystem_type() == BPF_FS_MAGIC) {
        return Ok(());
    }
    mount(
        Some("bpf"),
        BPFFS,
        Some("bpf"),
        MsFlags::empty(),
        None::<&str>,
    )
    .map_err(|errno| LoaderError::File {
        operation: "mount bpffs on",
        path: BPFFS.into(),
        source: errno.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_node_becomes_one_that_bpffs_takes() {
        for (node, expect) in [
            ("node-a", "/sys/fs/bpf/tycho/node-a"),
            ("a.example.org", "/sys/fs/bpf/tycho/a_example_org"),
        ] {
            assert_eq!(Pins::default_directory(node), Path::new(expect));
        }
    }

    #[test]
    fn only_layouts_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let pins = Pins::at(directory.path());
        let own = format!("v{LAYOUT_VERSION}");
        for name in [&own, "v0", "v99", "cilium", "vx", "tc"] {
            fs::create_dir_all(directory.path().join(name).join("maps")).unwrap();
        }
        pins.remove_other_layouts().unwrap();
        let mut left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["cilium", "tc", &own, "vx"]);
        pins.remove().unwrap();
        assert!(directory.path().join("vx").exists() && !directory.path().join(&own).exists());
        fs::remove_dir_all(directory.path()).unwrap();
        fs::create_dir_all(directory.path().join(&own)).unwrap();
        pins.remove().unwrap();
        assert!(!directory.path().exists());
        pins.remove().unwrap();
    }
}
