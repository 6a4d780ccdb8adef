//! The web page: its packages, the page itself if its sources are newer, its checks and its tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::Context;

use crate::repository::root;
use crate::setup::{self, Node};
use crate::stages::execute;

/// Folders of `web-ui` that are made, and so are not its source.
const MADE: [&str; 4] = ["browser/results", "dist", "node_modules", "src/gen"];

fn folder() -> PathBuf {
    root().join("web-ui")
}

/// Installs what the page needs, and builds it if what it is made of is newer. Gives the Node that does it.
pub(crate) fn build() -> anyhow::Result<Node> {
    let node = packages()?;
    let page = folder().join("dist/page/index.html");
    let sources = newest(&folder())?.max(newest(&root().join("proto"))?);
    if modified(&page).is_some_and(|built| built > sources) {
        println!("the page is newer than what it is made of");
        return Ok(node);
    }
    execute(&mut node.npm(&folder(), ["run", "build"]))?;
    Ok(node)
}

/// Format, lints and types.
pub(crate) fn check() -> anyhow::Result<()> {
    let node = packages()?;
    execute(&mut node.npm(&folder(), ["run", "gen"]))?;
    execute(&mut node.npm(&folder(), ["run", "lint"]))?;
    execute(&mut node.npm(&folder(), ["exec", "--", "tsc", "--noEmit"]))
}

/// Its unit tests. Those in a browser are of the kernel tier: `tests/kernel/page`.
pub(crate) fn tests() -> anyhow::Result<Command> {
    Ok(packages()?.npm(&folder(), ["run", "test"]))
}

/// Node with the packages of the lock file.
fn packages() -> anyhow::Result<Node> {
    let node = setup::page_tools()?;
    let folder = folder();
    let locked = modified(&folder.join("package-lock.json"));
    // npm writes it at the end.
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed < locked {
        execute(&mut node.npm(&folder, ["ci", "--no-audit", "--no-fund"]))?;
    }
    Ok(node)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// When the newest source in a folder was written.
fn newest(folder: &Path) -> anyhow::Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("read {}", folder.display()))?
            .path();
        if MADE
            .iter()
            .any(|made| path.ends_with(Path::new("web-ui").join(made)))
        {
            continue;
        }
        newest = newest.max(match path.is_dir() {
            true => self::newest(&path)?,
            false => modified(&path).unwrap_or(newest),
        });
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_no_source() {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join("web-ui");
        for (path, second) in [
            ("src/main.tsx", 10),
            ("src/gen/flow_pb.ts", 30),
            ("node_modules/react/index.js", 40),
            ("dist/page/index.html", 50),
            ("views/src/dist.ts", 20),
        ] {
            let path = page.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            file.set_modified(time).unwrap();
        }
        let seconds = newest(&page)
            .unwrap()
            .duration_since(SystemTime::UNIX_EPOCH);
        assert_eq!(seconds.unwrap().as_secs(), 20);
    }
}
