//! How the eBPF programs are compiled: which compiler, which linker, which flags.
//!
//! The build script of `bpf-loader` and `cargo xtask` share this file, so that both see the same toolchain.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a sysroot must hold so that `-Z build-std` can compile `core`.
const CORE_SOURCE: &str = "lib/rustlib/src/rust/library/Cargo.lock";

/// Debian's compiler; its package `rust-web-src` brings the source of `core`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Releases of bpf-linker that fit: their features choose an LLVM of the system.
pub(crate) const LINKER_VERSION: &str = "^0.13";

/// Set by an outer cargo for the host's build; each would change what the inner cargo compiles, or with what.
const OUTER_ENVIRONMENT: [&str; 12] = [
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// A compiler with the source of its own `core`, and the cargo that drives it.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// Where it comes from.
    pub(crate) origin: Origin,
    cargo: PathBuf,
    rustc: PathBuf,
}

/// Where a compiler comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It compiles the host's programs too.
    Host,
    /// rustup's nightly.
    Nightly,
    /// Debian's package.
    Debian,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Host => "the default compiler",
            Self::Nightly => "rustup's nightly compiler",
            Self::Debian => "Debian's compiler",
        })
    }
}

/// What is missing, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// No compiler has the source of `core`.
    CoreSource,
    /// The linker for eBPF objects is neither in PATH nor in cargo's folder; the compiler's LLVM, if it says.
    Linker { llvm_major: Option<u32> },
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CoreSource => formatter.write_str(
                "the eBPF programs need the source of Rust's core library, and no compiler here has it. \
                 Install it with `cargo xtask setup`, or by hand: `rustup component add rust-src`; where rustup \
                 cannot, as root on Debian: `apt-get install --no-install-recommends rustc-web rust-web-src`",
            ),
            Self::Linker { llvm_major } => {
                let major = llvm_major.map_or_else(|| "N".to_owned(), |major| major.to_string());
                write!(
                    formatter,
                    "the eBPF programs need `bpf-linker`, which is neither in PATH nor in cargo's bin folder. \
                     Install it with `cargo xtask setup`, or by hand: `{}`, where FOLDER/lib/libLLVM.so is a link to \
                     libLLVM.so.{major} (Debian: package libllvm{major})",
                    linker_install(&major)
                )
            }
        }
    }
}

impl Toolchain {
    /// Looks for a compiler: the one that compiles the host, then rustup's nightly, then Debian's.
    ///
    /// # Errors
    ///
    /// If none of them has the source of `core`.
    pub(crate) fn find(host_cargo: &Path, host_rustc: &Path) -> Result<Self, Missing> {
        let nightly =
            || output(Command::new("rustup").args(["which", "--toolchain", "nightly", "rustc"]));
        let (origin, rustc) = with_core_source(host_rustc)
            .map(|rustc| (Origin::Host, rustc))
            .or_else(|| Some((Origin::Nightly, with_core_source(Path::new(&nightly()?))?)))
            .or_else(|| Some((Origin::Debian, with_core_source(Path::new(DEBIAN_RUSTC))?)))
            .ok_or(Missing::CoreSource)?;
        let own_cargo = rustc.with_file_name("cargo");
        let cargo = if own_cargo.is_file() {
            own_cargo
        } else {
            host_cargo.to_path_buf()
        };
        Ok(Self {
            origin,
            cargo,
            rustc,
        })
    }

    /// The LLVM that the compiler was built with; `bpf-linker` must be of the same major.
    pub(crate) fn llvm_major(&self) -> Option<u32> {
        llvm_major(&output(Command::new(&self.rustc).arg("-vV"))?)
    }

    /// `cargo <subcommand>` for the eBPF programs in `manifest`; `architecture` is that of the machine they will run on.
    ///
    /// # Errors
    ///
    /// If there is no `bpf-linker`.
    pub(crate) fn command(
        &self,
        subcommand: &str,
        manifest: &Path,
        target_dir: &Path,
        architecture: &str,
        endian: &str,
    ) -> Result<Command, Missing> {
        let linker = find_linker().ok_or_else(|| Missing::Linker {
            llvm_major: self.llvm_major(),
        })?;
        let target = target(endian);
        // The clippy beside the compiler: another one could not read what this compiler wrote.
        let program = if subcommand == "clippy" {
            self.rustc.with_file_name("cargo-clippy")
        } else {
            self.cargo.clone()
        };
        let mut command = Command::new(program);
        for name in OUTER_ENVIRONMENT {
            command.env_remove(name);
        }
        command
            .env("CARGO", &self.cargo)
            .env("RUSTC", &self.rustc)
            // `-Z build-std` on a stable compiler, for these programs alone.
            .env("RUSTC_BOOTSTRAP", "1")
            .env(
                "CARGO_ENCODED_RUSTFLAGS",
                Self::flags(architecture, &linker),
            )
            .args([
                subcommand,
                "--release",
                "--locked",
                "-Z",
                "build-std=core",
                "--target",
                target,
            ])
            .arg("--manifest-path")
            .arg(manifest)
            .arg("--target-dir")
            .arg(target_dir);
        Ok(command)
    }

    fn flags(architecture: &str, linker: &Path) -> OsString {
        let mut flags = OsString::from(format!(
            "--cfg=bpf_target_arch=\"{architecture}\"\x1f-Cdebuginfo=2\x1f-Ctarget-cpu=v3"
        ));
        flags.push("\x1f-Clink-arg=--btf\x1f-Clinker=");
        flags.push(linker);
        flags
    }
}

/// The kernel's target for a machine of this byte order, as cargo spells it (`little` or `big`).
pub(crate) fn target(endian: &str) -> &'static str {
    if endian == "big" {
        "bpfeb-unknown-none"
    } else {
        "bpfel-unknown-none"
    }
}

/// `bpf-linker`, from PATH or from the folder where `cargo install` puts it.
pub(crate) fn find_linker() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")));
    env::split_paths(&path)
        .chain(cargo_home.map(|home| home.join("bin")))
        .map(|folder| folder.join("bpf-linker"))
        .find(|file| file.is_file())
}

/// The command that installs `bpf-linker` for one LLVM.
fn linker_install(llvm_major: &str) -> String {
    format!(
        "LLVM_PREFIX=FOLDER cargo install bpf-linker --version {LINKER_VERSION} --locked --no-default-features \
         --features llvm-{llvm_major}"
    )
}

/// The number after `LLVM version:` in what `rustc -vV` prints.
fn llvm_major(version: &str) -> Option<u32> {
    version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The compiler's own path if its sysroot holds the source of `core`.
fn with_core_source(rustc: &Path) -> Option<PathBuf> {
    let sysroot = PathBuf::from(output(Command::new(rustc).args(["--print", "sysroot"]))?);
    if !sysroot.join(CORE_SOURCE).is_file() {
        return None;
    }
    let own = sysroot.join("bin/rustc");
    Some(if own.is_file() {
        own
    } else {
        rustc.to_path_buf()
    })
}

/// Standard output of a command that succeeded, without the line's end.
fn output(command: &mut Command) -> Option<String> {
    let output = command.env_remove("LD_LIBRARY_PATH").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
