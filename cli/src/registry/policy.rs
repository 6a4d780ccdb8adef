//! `tycho registry policy`: policies that hold on all nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use policy::read_each;
use registry::cluster::{ClusterState, PolicyEntry};
use serde_json::json;

use super::place::{Place, PlaceFlags};
use super::{RegistryCommandError, print, tell};
use crate::output::escape::{visible, visible_lines};
use crate::output::form::Form;
use crate::policies::problems_of;
use crate::text_file;

/// How messages name an entry of the registry, as observers do.
const OF_REGISTRY: &str = "registry:";

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PolicyCommand {
    /// Put the policies of files into the registry, each file under its name; they hold on all nodes
    #[command(alias = "import")]
    Put(PutArgs),
    /// Show a policy
    Get {
        /// The name it is kept under
        name: String,
    },
    /// Delete a policy: it holds on no node any more
    Delete {
        /// The name it is kept under
        name: String,
    },
}

/// Options of `tycho registry policy put`.
#[derive(Debug, clap::Args)]
pub(crate) struct PutArgs {
    /// Policy files, or `-` for standard input
    #[arg(value_name = "FILE|-", required = true)]
    files: Vec<PathBuf>,
    /// The name to keep it under, if there is one file [default: the file's, without its extension]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) async fn run(
    command: PolicyCommand,
    place: PlaceFlags,
    form: Form,
) -> Result<(), RegistryCommandError> {
    match command {
        PolicyCommand::Put(args) => put(args, place, form).await,
        PolicyCommand::Get { name } => get(&name, place, form).await,
        PolicyCommand::Delete { name } => delete(&name, place, form).await,
    }
}

/// The policies in an entry by name, or what is wrong with it.
pub(super) fn held(entry: &PolicyEntry) -> Vec<String> {
    let read = read_each(&entry.name, &entry.yaml).into_iter();
    read.map(|policy| match policy {
        Ok(policy) => policy.name.to_string(),
        Err(error) => format!("not readable: {error}"),
    })
    .collect()
}

/// All of them are read, and checked together with what stays in the registry, before the first is put.
async fn put(args: PutArgs, place: PlaceFlags, form: Form) -> Result<(), RegistryCommandError> {
    let policies = read(args)?;
    check(&policies, &ClusterState::default())?;
    let place = place.open(true).await?;
    check(&policies, &place.content().state)?;
    for (_, policy) in policies {
        let name = policy.name.clone();
        let held = held(&policy);
        place.registry.put_policy(policy).await?;
        let done = format!("put policy {name}: {}", held.join(", "));
        tell(form, &done, &json!({"put": name, "policies": held}))?;
    }
    Ok(())
}

/// The files with what is to be kept of them.
fn read(args: PutArgs) -> Result<Vec<(String, PolicyEntry)>, RegistryCommandError> {
    if args.name.is_some() && args.files.len() > 1 {
        let reason = "--name is for one file; several are kept under their own names";
        return Err(RegistryCommandError::Name(reason.to_owned()));
    }
    let mut policies: Vec<(String, PolicyEntry)> = Vec::new();
    for path in &args.files {
        let yaml = text_file::read(path).map_err(|source| RegistryCommandError::File {
            path: path.clone(),
            source,
        })?;
        let name = args.name.clone().map_or_else(|| name_of(path), Ok)?;
        let file = path.display().to_string();
        if let Some((other, _)) = policies.iter().find(|(_, other)| other.name == name) {
            let reason = format!("{other} and {file} would both be kept under {name:?}");
            return Err(RegistryCommandError::Name(reason));
        }
        let origin = Some(origin_of(path));
        policies.push((file, PolicyEntry { name, yaml, origin }));
    }
    Ok(policies)
}

/// Refuses what could not be in force together with the other policies of the registry.
fn check(
    policies: &[(String, PolicyEntry)],
    state: &ClusterState,
) -> Result<(), RegistryCommandError> {
    let stays = |(name, _): &(&Arc<str>, &Arc<PolicyEntry>)| {
        policies.iter().all(|(_, policy)| policy.name != ***name)
    };
    let others: Vec<(String, &str)> = state
        .policies
        .iter()
        .filter(stays)
        .map(|(name, policy)| (format!("{OF_REGISTRY}{name}"), policy.yaml.as_str()))
        .collect();
    let others = others.iter().map(|(file, text)| (file.as_str(), *text));
    let new = policies
        .iter()
        .map(|(file, policy)| (file.as_str(), policy.yaml.as_str()));
    let mut problems = problems_of(others.chain(new));
    // What is wrong with the others was wrong before.
    problems.retain(|problem| !problem.starts_with(OF_REGISTRY));
    if problems.is_empty() {
        return Ok(());
    }
    let problems = problems.iter().map(|problem| visible(problem).into_owned());
    Err(RegistryCommandError::NoPolicies(problems.collect()))
}

fn name_of(path: &Path) -> Result<String, RegistryCommandError> {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    match stem {
        Some(stem) if stem != "-" => Ok(stem.to_owned()),
        _ => Err(RegistryCommandError::Name(format!(
            "say by --name what {} is to be kept under",
            path.display()
        ))),
    }
}

/// `host:/directory/file.yaml`
fn origin_of(path: &Path) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if path == Path::new("-") {
        return format!("{host}:standard input");
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("{host}:{}", path.display())
}

fn find(name: &str, place: &Place) -> Result<Arc<PolicyEntry>, RegistryCommandError> {
    let content = place.content();
    let found = content.state.policies.get(name).cloned();
    found.ok_or_else(|| unknown(name, content.backend))
}

async fn get(name: &str, place: PlaceFlags, form: Form) -> Result<(), RegistryCommandError> {
    let place = place.open(false).await?;
    let policy = find(name, &place)?;
    print(|out| match form {
        Form::Table => {
            let yaml = policy.yaml.trim_end_matches('\n');
            writeln!(out, "{}", visible_lines(yaml))
        }
        Form::Json => writeln!(out, "{}", json!(*policy)),
    })
}

async fn delete(name: &str, place: PlaceFlags, form: Form) -> Result<(), RegistryCommandError> {
    let place = place.open(false).await?;
    let policy = find(name, &place)?;
    // Somebody else may have been faster.
    if !place.registry.delete_policy(name).await? {
        return Err(unknown(name, place.content().backend));
    }
    let held = held(&policy);
    let done = format!("deleted policy {name}: {}", held.join(", "));
    tell(form, &done, &json!({"deleted": name, "policies": held}))
}

fn unknown(name: &str, place: String) -> RegistryCommandError {
    RegistryCommandError::Unknown {
        kind: "policy",
        name: name.to_owned(),
        place,
        list: "policies",
    }
}
