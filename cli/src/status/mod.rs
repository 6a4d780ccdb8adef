//! `tycho status`: what a server says of itself, and where its flows went.

mod ledger;
mod maps;
mod server;

use std::io::{self, Write};

use proto::observer::ServerStatusResponse;
use proto::tycho::v1::ledger_client::LedgerClient;
use proto::tycho::v1::{GetLedgerRequest, GetLedgerResponse};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::connection::{AskError, CallError, ConnectError, Connection, ServerFlags};
use crate::output::escape::visible;

/// Name of the observer in the health service, as Hubble's CLI asks for it.
const HEALTH_SERVICE: &str = "hubble.server.Observer";

/// The flags of `tycho status`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StatusArgs {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    /// Show every map of the kernel programs, however empty it is
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Form {
    /// Text
    #[default]
    Compact,
    /// One JSON object
    #[value(alias = "jsonpb")]
    Json,
}

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StatusError {
    /// No server answered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refused a call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The server did not answer a question.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The server answers, but does not serve.
    #[error("server {address} says that it is not serving ({state})")]
    NotServing {
        /// Where the server is.
        address: String,
        /// Its words.
        state: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// What a server said.
struct Answers {
    health: ServingStatus,
    status: ServerStatusResponse,
    /// None: the server keeps no ledger.
    ledger: Option<GetLedgerResponse>,
}

/// Runs the command on standard output.
pub(crate) async fn run(args: StatusArgs) -> Result<(), StatusError> {
    let connection = args.server.connect().await?;
    let address = connection.address.to_string();
    let answers = ask(connection).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.output {
        Form::Compact => text(&mut out, &address, &answers, args.verbose)?,
        Form::Json => writeln!(out, "{}", json(&answers))?,
    }
    out.flush()?;
    if answers.health == ServingStatus::Serving {
        return Ok(());
    }
    Err(StatusError::NotServing {
        address,
        state: answers.health.as_str_name().to_owned(),
    })
}

async fn ask(connection: Connection) -> Result<Answers, StatusError> {
    let mut health = HealthClient::new(connection.channel.clone());
    let check = health.check(HealthCheckRequest {
        service: HEALTH_SERVICE.to_owned(),
    });
    let health = connection.ask("its health", check).await?;
    let mut ledger = LedgerClient::new(connection.channel.clone());
    let ledger = connection
        .ask("its ledger", ledger.get_ledger(GetLedgerRequest {}))
        .await;
    let ledger = match ledger {
        Ok(ledger) => Some(ledger),
        Err(AskError::NotTycho { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Answers {
        health: health.status(),
        status: connection.status?,
        ledger,
    })
}

fn text(out: &mut dyn Write, address: &str, answers: &Answers, verbose: bool) -> io::Result<()> {
    let health = match answers.health {
        ServingStatus::Serving => "Ok",
        other => other.as_str_name(),
    };
    writeln!(out, "Healthcheck (via {address}): {health}")?;
    server::write(out, &answers.status)?;
    if let Some(ledger) = &answers.ledger {
        for warning in &ledger.warnings {
            writeln!(out, "Warning: {}", visible(warning))?;
        }
        writeln!(out)?;
        ledger::write(out, ledger)?;
        maps::write(out, &ledger.maps, verbose)?;
    }
    Ok(())
}

fn json(answers: &Answers) -> String {
    let mut fields = vec![
        format!("\"health\":\"{}\"", answers.health.as_str_name()),
        format!(
            "\"server_status\":{}",
            proto::json::message_to_json("observer.ServerStatusResponse", &answers.status)
        ),
    ];
    fields.extend(answers.ledger.as_ref().map(|ledger| {
        format!(
            "\"ledger\":{}",
            proto::json::message_to_json("tycho.v1.GetLedgerResponse", ledger)
        )
    }));
    format!("{{{}}}", fields.join(","))
}
