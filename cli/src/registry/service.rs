//! `tycho registry service`: services that all nodes know.

use std::path::PathBuf;

use registry::cluster::read_services;
use serde_json::json;

use super::place::PlaceFlags;
use super::{RegistryCommandError, tell};
use crate::output::form::Form;
use crate::text_file;

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ServiceCommand {
    /// Put the services of files into the registry: `namespace`, `name`, `ips`, `ports` (`name`, `protocol`, `port`,
    /// `target_port`) and `selector` as YAML, several documents for several services
    Put {
        /// Service files, or `-` for standard input
        #[arg(value_name = "FILE|-", required = true)]
        files: Vec<PathBuf>,
    },
    /// Delete a service
    Delete {
        /// Which
        #[arg(value_name = "NAMESPACE/NAME")]
        name: String,
    },
}

pub(super) async fn run(
    command: ServiceCommand,
    place: PlaceFlags,
    form: Form,
) -> Result<(), RegistryCommandError> {
    match command {
        ServiceCommand::Put { files } => put(files, place, form).await,
        ServiceCommand::Delete { name } => delete(name, place, form).await,
    }
}

/// All of them are read and checked before the first is put.
async fn put(
    files: Vec<PathBuf>,
    place: PlaceFlags,
    form: Form,
) -> Result<(), RegistryCommandError> {
    let mut services = Vec::new();
    for path in files {
        let text = text_file::read(&path).map_err(|source| RegistryCommandError::File {
            path: path.clone(),
            source,
        })?;
        services.extend(read_services(&path.display().to_string(), &text)?);
    }
    if services.is_empty() {
        let reason = "there is no service in these files";
        return Err(RegistryCommandError::Name(reason.to_owned()));
    }
    let place = place.open(true).await?;
    for service in services {
        let name = format!("{}/{}", service.namespace, service.name);
        place.registry.put_service(service).await?;
        tell(form, &format!("put service {name}"), &json!({"put": name}))?;
    }
    Ok(())
}

async fn delete(name: String, place: PlaceFlags, form: Form) -> Result<(), RegistryCommandError> {
    let Some((namespace, service)) = name.split_once('/') else {
        return Err(RegistryCommandError::Name(format!(
            "{name:?} is no service: say NAMESPACE/NAME"
        )));
    };
    let place = place.open(false).await?;
    if !place.registry.delete_service(namespace, service).await? {
        return Err(RegistryCommandError::Unknown {
            kind: "service",
            place: place.content().backend,
            name,
            list: "services",
        });
    }
    let done = format!("deleted service {name}");
    tell(form, &done, &json!({"deleted": name}))
}
