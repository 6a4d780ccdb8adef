//! `bpf-linker`: makes one eBPF object of what the compiler emits. It must read that compiler's LLVM.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::llvm;
use crate::probes::{self, LINKER_VERSION, Toolchain};
use crate::repository;
use crate::stages::execute;

/// Finds a linker that runs and fits the compiler, or installs one.
pub(super) fn ensure(toolchain: &Toolchain) -> anyhow::Result<()> {
    let major = toolchain
        .llvm_major()
        .with_context(|| format!("{} does not say its LLVM version", toolchain.origin))?;
    let Err(problem) = inspect(major) else {
        return Ok(());
    };
    println!("setup: {problem}; the eBPF programs are linked with it");
    let prefix = llvm::ensure(major)?;
    println!("setup: cargo install bpf-linker, for LLVM {major} (about a minute)");
    let feature = format!("llvm-{major}");
    let mut install = repository::cargo(["install", "bpf-linker", "--locked", "--force"]);
    install
        .args([
            "--version",
            LINKER_VERSION,
            "--no-default-features",
            "--features",
            &feature,
        ])
        .env("LLVM_PREFIX", prefix)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        // A folder of its own, whatever the surrounding build uses.
        .env_remove("CARGO_TARGET_DIR");
    execute(&mut install).context("install bpf-linker")?;
    inspect(major).map_err(|problem| anyhow::anyhow!("after the installation: {problem}"))
}

/// An error says what is wrong with the linker that is found first.
fn inspect(llvm_major: u32) -> Result<(), String> {
    let linker = probes::find_linker().ok_or("bpf-linker is missing")?;
    run(&linker).map_err(|error| format!("{} does not run ({error:#})", linker.display()))?;
    let program = fs::read(&linker).map_err(|error| format!("{}: {error}", linker.display()))?;
    match linked_llvm(&program) {
        Some(linked) if linked < llvm_major => Err(format!(
            "{} reads LLVM {linked} at most, the compiler emits LLVM {llvm_major}",
            linker.display()
        )),
        _ => Ok(()),
    }
}

fn run(linker: &Path) -> anyhow::Result<()> {
    let output = Command::new(linker).arg("--version").output()?;
    if !output.status.success() {
        bail!(
            "{}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// The major of the LLVM library that the program is linked to: it is in the library's name. None if it is linked statically.
fn linked_llvm(program: &[u8]) -> Option<u32> {
    const NAMES: [&[u8]; 2] = [b"\0libLLVM.so.", b"\0libLLVM-"];
    NAMES.iter().find_map(|name| {
        let start = program
            .windows(name.len())
            .position(|window| window == *name)?
            + name.len();
        let digits = program[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        str::from_utf8(&program[start..start + digits])
            .ok()?
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::linked_llvm;

    #[test]
    fn the_llvm_of_a_linker_is_read_from_its_library_names() {
        let check = |program: &[u8], expect| assert_eq!(linked_llvm(program), expect);
        check(b"\x7fELF\0libc.so.6\0libLLVM.so.22.1\0", Some(22));
        check(b"\x7fELF\0libLLVM-19.so.1\0libc.so.6\0", Some(19));
        check(b"\x7fELF\0libc.so.6\0", None);
        check(b"\x7fELF\0libLLVM.so.x\0", None);
        check(b"", None);
    }
}
