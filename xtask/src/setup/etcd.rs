//! etcd, for the tests and the bench of the cluster's registry, and for the demo: the programs, without the service.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use super::{debian, on_path};
use crate::repository;

/// Debian asks this program before it starts a service that it has installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// 101: "must not be started".
const REFUSAL: &str =
    "#!/bin/sh\n# Written by cargo xtask setup while it installs etcd; removed again.\nexit 101\n";

/// Installs `etcd` and `etcdctl`. Debian's package would start a service on etcd's usual port; the tests start their own
/// on ports of their own.
pub(super) fn ensure() -> anyhow::Result<()> {
    if on_path("etcd") && on_path("etcdctl") {
        return Ok(());
    }
    let refused = match repository::is_root() {
        true => Some(Refused::begin()?),
        false => None,
    };
    let installed = debian::install(
        &["etcd-server", "etcd-client"],
        "etcd, which the tests of the registry and `tycho demo --etcd` start",
    );
    drop(refused);
    installed
}

/// While this lives, Debian starts no service. A policy of the machine's own stays as it is.
struct Refused {
    ours: bool,
}

impl Refused {
    fn begin() -> anyhow::Result<Self> {
        let path = Path::new(POLICY);
        if path.exists() {
            return Ok(Self { ours: false });
        }
        let mut file = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o755)
            .open(path)
            .with_context(|| format!("create {POLICY}"))?;
        let refused = Self { ours: true };
        file.write_all(REFUSAL.as_bytes())
            .with_context(|| format!("write {POLICY}"))?;
        Ok(refused)
    }
}

impl Drop for Refused {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_file(POLICY)
        {
            println!(
                "setup: cannot remove {POLICY} ({error}): remove it, or no service starts when it is installed"
            );
        }
    }
}
