//! `tycho policy delete`.

use proto::tycho::v1::DeletePolicyRequest;

use super::{PolicyError, name, resolve};
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho policy delete`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DeleteArgs {
    /// `[kind/][namespace/]name`; the kind in full or as cnp, ccnp or netpol
    #[arg(value_name = "NAME")]
    policy: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: DeleteArgs) -> Result<(), PolicyError> {
    let connection = args.server.connect_to_change().await?;
    let name = resolve::one(&connection, &args.policy).await?;
    let request = DeletePolicyRequest {
        name: Some(name.clone()),
    };
    let answer = connection
        .ask(
            "the removal of a policy",
            resolve::client(&connection).delete_policy(request),
        )
        .await?;
    args.output
        .print("tycho.v1.DeletePolicyResponse", &answer, |out, answer| {
            let name = name::shown(&name);
            writeln!(
                out,
                "deleted {}, gone from revision {} on",
                visible(&name),
                answer.revision
            )
        })?;
    Ok(())
}
