//! `tycho policy unused`.

use std::io;

use proto::tycho::v1::{ListPoliciesResponse, Policy, Rule};

use super::{PolicyError, list, overview, resolve};
use crate::clock::format::TimeFormat;
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::form::Form;

/// The flags of `tycho policy unused`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UnusedArgs {
    /// Form of the output; JSON has of all policies only what is unused
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: UnusedArgs) -> Result<(), PolicyError> {
    let connection = args.server.connect_to_node().await?;
    let answer = unused(resolve::all(&connection).await?);
    args.output
        .print("tycho.v1.ListPoliciesResponse", &answer, write)?;
    Ok(())
}

/// Leaves of each policy the rules that decided nothing; all of them if it selects no endpoint.
fn unused(mut answer: ListPoliciesResponse) -> ListPoliciesResponse {
    for policy in &mut answer.policies {
        if policy.endpoints > 0 {
            policy.rules.retain(never_decided);
        }
    }
    answer
        .policies
        .retain(|policy| policy.endpoints == 0 || !policy.rules.is_empty());
    answer
}

fn never_decided(rule: &Rule) -> bool {
    rule.packets == 0 && rule.last_hit.is_none()
}

fn write(out: &mut dyn io::Write, answer: &ListPoliciesResponse) -> io::Result<()> {
    list::problem(out, answer)?;
    let since = TimeFormat::Rfc3339.write(answer.counted_since.as_ref());
    let (idle, useless): (Vec<&Policy>, Vec<&Policy>) = answer
        .policies
        .iter()
        .partition(|policy| policy.endpoints > 0);
    if answer.policies.is_empty() {
        return writeln!(
            out,
            "Since {since} every rule has decided something, and every policy selects an endpoint."
        );
    }
    if !useless.is_empty() {
        writeln!(out, "Policies that select no endpoint of this node:")?;
        for policy in &useless {
            writeln!(out, "  {}", visible(&overview::title(policy)))?;
        }
    }
    if idle.is_empty() {
        return Ok(());
    }
    if !useless.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "Rules that have decided nothing since {since}:")?;
    for policy in &idle {
        writeln!(out, "  {}", visible(&overview::title(policy)))?;
        for rule in &policy.rules {
            let name = overview::rule_name(rule);
            writeln!(out, "    {}, line {}", visible(&name), rule.line)?;
            writeln!(out, "      {}", visible(&rule.description))?;
        }
    }
    Ok(())
}
