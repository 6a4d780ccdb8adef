//! The LLVM library that `bpf-linker` is linked to. The library alone does; no headers are needed.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::debian;
use crate::repository;

/// A folder whose `lib/libLLVM.so` is the wanted LLVM; installs Debian's package if there is none.
pub(super) fn ensure(major: u32) -> anyhow::Result<PathBuf> {
    if let Some(given) = env::var_os("LLVM_PREFIX") {
        return Ok(given.into());
    }
    let library = match find(major) {
        Some(library) => library,
        None => {
            debian::install(
                &[&format!("libllvm{major}")],
                &format!("LLVM {major}'s library, for bpf-linker"),
            )?;
            find(major).with_context(|| {
                format!("libllvm{major} is installed, yet no libLLVM.so.{major} was found")
            })?
        }
    };
    prefix(
        &repository::target_dir()
            .join("setup")
            .join(format!("llvm-{major}")),
        &library,
    )
}

/// Makes the folder with the one link in it.
fn prefix(folder: &Path, library: &Path) -> anyhow::Result<PathBuf> {
    let link = folder.join("lib/libLLVM.so");
    fs::create_dir_all(folder.join("lib"))
        .with_context(|| format!("create {}", folder.display()))?;
    if link.is_symlink() {
        fs::remove_file(&link).with_context(|| format!("remove {}", link.display()))?;
    }
    symlink(library, &link)
        .with_context(|| format!("link {} to {}", link.display(), library.display()))?;
    if !link.is_file() {
        bail!("{} points nowhere", link.display());
    }
    Ok(folder.to_path_buf())
}

/// The shared library where Linux distributions put it.
fn find(major: u32) -> Option<PathBuf> {
    let architecture = env::consts::ARCH;
    [
        format!("/usr/lib/{architecture}-linux-gnu"),
        "/usr/lib64".to_owned(),
        "/usr/lib".to_owned(),
    ]
    .into_iter()
    .find_map(|folder| find_in(Path::new(&folder), major))
}

fn find_in(folder: &Path, major: u32) -> Option<PathBuf> {
    let names = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter(|name| is_llvm(name, major))
        .min()
        .map(|name| folder.join(name))
}

/// `libLLVM.so.22.1` (since LLVM 18) or `libLLVM-17.so.1`.
fn is_llvm(name: &str, major: u32) -> bool {
    let rest = name
        .strip_prefix(&format!("libLLVM.so.{major}"))
        .or_else(|| name.strip_prefix(&format!("libLLVM-{major}")));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::is_llvm;

    #[test]
    fn only_the_wanted_major_is_taken() {
        let check =
            |name, major, expect| assert_eq!(is_llvm(name, major), expect, "{name} {major}");
        check("libLLVM.so.22.1", 22, true);
        check("libLLVM.so.22", 22, true);
        check("libLLVM.so.221", 22, false);
        check("libLLVM.so.21.1", 22, false);
        check("libLLVM-22.so", 22, true);
        check("libLLVM-17.so.1", 17, true);
        check("libLLVMFoo.so", 17, false);
    }
}
