//! `tycho certs`: a CA and the certificates of a small cluster, and with which flags to use them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use certificates::{Directory, Leaf, Validity};
use daemon::config::Span;
use daemon::tls::CertificateFacts;

/// Options of `tycho certs`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("whom").args(["nodes", "relays", "clients", "admins"]).multiple(true).required(true)))]
pub(crate) struct CertsArgs {
    /// Directory for the files: ca.crt and ca.key, and a .crt and .key for each certificate. A CA that lies
    /// there is used again
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Certificate for the observer of a node: it serves as NAME.CLUSTER.tycho, and under the names and
    /// addresses that follow
    #[arg(long = "node", value_name = "NAME[=HOST,…]")]
    nodes: Vec<Named>,
    /// Certificate for a relay: it serves as a node does, and asks nodes
    #[arg(long = "relay", value_name = "NAME[=HOST,…]")]
    relays: Vec<Named>,
    /// Certificate for a client that may read
    #[arg(long = "client", value_name = "NAME")]
    clients: Vec<String>,
    /// Certificate for a client that may also change nodes: it has the role tycho:admin
    #[arg(long = "admin", value_name = "NAME")]
    admins: Vec<String>,
    /// Name of the cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    cluster: String,
    /// How long certificates hold; none outlives the CA
    #[arg(long, value_name = "DURATION", default_value = "365d", value_parser = lasting)]
    valid: Duration,
    /// How long a new CA holds
    #[arg(long, value_name = "DURATION", default_value = "3650d", value_parser = lasting)]
    ca_valid: Duration,
    /// Replace certificates that are there; the CA stays in any case
    #[arg(long)]
    force: bool,
}

/// A server, and the names that it has beside the one of its node.
#[derive(Debug, Clone)]
struct Named {
    name: String,
    others: Vec<String>,
}

impl std::str::FromStr for Named {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, others) = text.split_once('=').unwrap_or((text, ""));
        let others = others.split(',').map(str::trim);
        Ok(Self {
            name: name.to_owned(),
            others: others
                .filter(|other| !other.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

fn lasting(text: &str) -> Result<Duration, String> {
    let Span(duration) = text
        .parse()
        .map_err(|error: daemon::config::ValueError| error.to_string())?;
    let century = Duration::from_secs(100 * 365 * 86_400);
    match duration < Duration::from_secs(1) || duration > century {
        true => Err("it is from `1s` to `36500d`".to_owned()),
        false => Ok(duration),
    }
}

/// Makes them, and says so.
pub(crate) fn run(args: &CertsArgs, output: &mut impl Write) -> anyhow::Result<()> {
    let leaves = leaves(args)?;
    let directory = Directory::new(args.out.clone());
    let made = directory.make(
        &format!("Tycho CA of {}", args.cluster),
        Validity::lasting(args.ca_valid),
        &leaves,
        Validity::lasting(args.valid),
        args.force,
    )?;
    let authority = directory.authority();
    let origin = match made.new_authority {
        true => "the CA, new",
        false => "the CA that was there",
    };
    line(output, &authority, origin)?;
    for path in &made.certificates {
        let facts = facts(path)?;
        let role = if facts.is_admin() {
            ", may change nodes"
        } else {
            ""
        };
        let whose = match (&facts.common_name, facts.names.is_empty()) {
            (Some(name), true) => format!("client {name}{role}"),
            _ => facts.names.join(", "),
        };
        line(output, path, &whose)?;
    }
    writeln!(output)?;
    for leaf in &leaves {
        uses(output, &directory, leaf, server_for(leaf, &leaves))?;
    }
    writeln!(
        output,
        "whoever has {} can make more of them, admins too: keep it away from nodes",
        directory.key("ca").display()
    )?;
    Ok(())
}

fn leaves(args: &CertsArgs) -> anyhow::Result<Vec<Leaf>> {
    let mut leaves = Vec::new();
    for Named { name, others } in &args.nodes {
        leaves.push(Leaf::node(name, &args.cluster, others).context("--node")?);
    }
    for Named { name, others } in &args.relays {
        leaves.push(Leaf::relay(name, &args.cluster, others).context("--relay")?);
    }
    for name in &args.clients {
        leaves.push(Leaf::client(name).context("--client")?);
    }
    for name in &args.admins {
        leaves.push(Leaf::admin(name).context("--admin")?);
    }
    Ok(leaves)
}

fn facts(path: &Path) -> anyhow::Result<CertificateFacts> {
    let read = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    match CertificateFacts::read_pem(&read) {
        Some(facts) => Ok(facts),
        None => bail!("{} was made, but cannot be understood", path.display()),
    }
}

/// A file, what it is for, and until when.
fn line(output: &mut impl Write, path: &Path, whose: &str) -> anyhow::Result<()> {
    let expires = facts(path)?.expires();
    writeln!(output, "{}: {whose}, valid to {expires}", path.display())?;
    Ok(())
}

/// The server that a client would ask, of those that get certificates: a relay to read, a node to change it.
fn server_for<'all>(client: &Leaf, all: &'all [Leaf]) -> Option<&'all Leaf> {
    let serving = || all.iter().filter(|leaf| !leaf.names().is_empty());
    let fitting = serving().find(|leaf| leaf.asks() != client.is_admin());
    fitting.or_else(|| serving().next())
}

/// The address of a server, and its name where the address is not one of its names.
fn address(server: Option<&Leaf>) -> String {
    let Some(server) = server else {
        return "tls://HOST:4245".to_owned();
    };
    let port = if server.asks() { 4245 } else { 4244 };
    match server.names() {
        [_, host, ..] if host.contains(':') => format!("tls://[{host}]:{port}"),
        [_, host, ..] if !host.contains('*') => format!("tls://{host}:{port}"),
        [name, ..] => format!("tls://HOST:{port} --tls-server-name {name}"),
        [] => format!("tls://HOST:{port}"),
    }
}

/// How to use a certificate: as a server, as a client, as both.
fn uses(
    output: &mut impl Write,
    directory: &Directory,
    leaf: &Leaf,
    server: Option<&Leaf>,
) -> std::io::Result<()> {
    let ca = quoted(&directory.authority());
    let certificate = quoted(&directory.certificate(leaf.file()));
    let key = quoted(&directory.key(leaf.file()));
    let serves =
        format!("--tls-cert-file {certificate} --tls-key-file {key} --tls-client-ca-files {ca}");
    match (leaf.names().is_empty(), leaf.asks()) {
        (true, _) => writeln!(
            output,
            "tycho status --server {} --tls-ca-cert-files {ca} --tls-client-cert-file {certificate} \
             --tls-client-key-file {key}",
            address(server)
        ),
        (false, false) => writeln!(output, "tycho observer --listen 0.0.0.0:4244 {serves} …"),
        (false, true) => writeln!(
            output,
            "tycho relay --listen 0.0.0.0:4245 {serves} --peer-tls-ca-cert-files {ca} --peer-tls-cert-file \
             {certificate} --peer-tls-key-file {key} --peer CLUSTER/NODE=tls://HOST:4244 …"
        ),
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_for_a_shell() {
        for (path, expect) in [
            ("certs/ca.crt", "certs/ca.crt"),
            ("my certs/ca.crt", "'my certs/ca.crt'"),
            ("it's/$x", r"'it'\''s/$x'"),
        ] {
            assert_eq!(quoted(Path::new(path)), expect);
        }
    }
}
