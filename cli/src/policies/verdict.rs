//! `tycho policy verdict`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use proto::flow::Verdict;
use proto::tycho::v1::{
    Decision, GetVerdictRequest, GetVerdictResponse, PairVerdict, VerdictIdentity,
};
use tonic::Code;

use super::{PolicyError, decision, end, protocol, resolve};
use crate::connection::ServerFlags;
use crate::output::escape::visible;
use crate::output::facts::Facts;
use crate::output::form::Form;

/// What is said of endpoints before they are only counted.
const ENDPOINTS_NAMED: usize = 3;

/// What is said of labels before they have lines of their own.
const LABELS_BESIDE: usize = 2;

/// The exit code if something is dropped.
const SOMETHING_IS_DROPPED: u8 = 2;

const AFTER_HELP: &str = "\
Ends (--from, --to):
  role=frontend          a label selector: every identity that it matches
  reserved:world         the same: identities of outside have labels, too
  ip:10.1.0.11           an address: what the node takes it for (`ip:` can be left out)
  identity:256           an identity, by number or reserved name (identity:world)
  endpoint:shop/db       an endpoint of this node

Exit code:
  0   every pair passes (with the verdict AUDIT, too)
  1   an error: there is no answer
  2   some pair is dropped

Examples:
  tycho policy verdict --from role=frontend --to role=db --port 5432/tcp
  tycho policy verdict --from 192.0.2.7 --to endpoint:shop/backend-1 --protocol icmp --icmp-type 8";

/// The flags of `tycho policy verdict`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct VerdictArgs {
    /// Who opens the connection
    #[arg(long, value_name = "END")]
    from: String,
    /// Who accepts it
    #[arg(long, value_name = "END")]
    to: String,
    /// Port that is connected to, with its protocol (tcp, udp, sctp); TCP if none is given
    #[arg(long, value_name = "PORT[/PROTOCOL]")]
    port: Option<String>,
    /// Protocol: tcp, udp, sctp, icmp, icmpv6 or a number
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<String>,
    /// Type of the ICMP message: 8 is an echo request, for ICMPv6 128
    #[arg(long, value_name = "TYPE")]
    icmp_type: Option<u8>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: VerdictArgs) -> Result<ExitCode, PolicyError> {
    let request = request(&args)?;
    let connection = args.server.connect_to_node().await?;
    let answer = connection
        .ask(
            "a verdict",
            resolve::client(&connection).get_verdict(request),
        )
        .await
        .map_err(|error| {
            error.next_step(
                Code::NotFound,
                "`tycho identity list` and `tycho endpoint list` show who there is",
            )
        })?;
    if answer.pairs.is_empty() {
        return Err(PolicyError::NoPair);
    }
    args.output
        .print("tycho.v1.GetVerdictResponse", &answer, write)?;
    let dropped = |pair: &PairVerdict| pair.verdict() == Verdict::Dropped;
    Ok(if answer.pairs.iter().any(dropped) {
        ExitCode::from(SOMETHING_IS_DROPPED)
    } else {
        ExitCode::SUCCESS
    })
}

fn request(args: &VerdictArgs) -> Result<GetVerdictRequest, PolicyError> {
    let of = |flag: &'static str| {
        move |reason: String| PolicyError::Question(format!("invalid value for {flag}: {reason}"))
    };
    let traffic = protocol::parse(
        args.port.as_deref(),
        args.protocol.as_deref(),
        args.icmp_type,
    )
    .map_err(PolicyError::Question)?;
    Ok(GetVerdictRequest {
        from: Some(end::parse(&args.from).map_err(of("--from"))?),
        to: Some(end::parse(&args.to).map_err(of("--to"))?),
        protocol: traffic.protocol,
        port: traffic.port,
    })
}

fn write(out: &mut dyn Write, answer: &GetVerdictResponse) -> io::Result<()> {
    let mut counts = BTreeMap::new();
    for pair in &answer.pairs {
        *counts.entry(decision::verdict(pair.verdict())).or_insert(0) += 1;
        write_pair(out, pair)?;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let more = if answer.truncated {
        "; there are more pairs, ask for fewer"
    } else {
        ""
    };
    writeln!(
        out,
        "{} at revision {}{more}",
        counts.join(", "),
        answer.revision
    )
}

fn write_pair(out: &mut dyn Write, pair: &PairVerdict) -> io::Result<()> {
    writeln!(
        out,
        "{}: {} -> {}",
        decision::verdict(pair.verdict()),
        visible(&who(pair.from.as_ref())),
        visible(&who(pair.to.as_ref()))
    )?;
    let mut facts = Facts::indented(2);
    facts.add_all("From", labels_below(pair.from.as_ref()));
    facts.add_all("To", labels_below(pair.to.as_ref()));
    for (name, decision) in [("Egress", &pair.egress), ("Ingress", &pair.ingress)] {
        if let Some(decision) = decision {
            facts.add_all(name, lines(decision));
        }
    }
    facts.write(out)?;
    writeln!(out)
}

fn lines(decided: &Decision) -> Vec<String> {
    let mut lines = decision::lines(decided);
    if decided.verdict() != Verdict::Forwarded && !decided.near.is_empty() {
        lines.push("nearest:".to_owned());
        let near = decision::near(decided).into_iter();
        lines.extend(near.map(|line| format!("  {line}")));
    }
    lines
}

/// Its number, and whom one knows by it: endpoints, or labels if these are few.
fn who(identity: Option<&VerdictIdentity>) -> String {
    let Some(identity) = identity else {
        return "?".to_owned();
    };
    let number = identity.identity;
    let endpoints = &identity.endpoints;
    if endpoints.is_empty() {
        return match labels_below(Some(identity)) {
            [] => format!("{number} ({})", identity.labels.join(" ")),
            _ => number.to_string(),
        };
    }
    let (named, more) = endpoints.split_at(endpoints.len().min(ENDPOINTS_NAMED));
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!("{number} ({}{more})", named.join(", "))
}

/// The labels of an identity that no endpoint has, if they are too many for the first line.
fn labels_below(identity: Option<&VerdictIdentity>) -> &[String] {
    match identity {
        Some(identity)
            if identity.endpoints.is_empty() && identity.labels.len() > LABELS_BESIDE =>
        {
            &identity.labels
        }
        _ => &[],
    }
}
