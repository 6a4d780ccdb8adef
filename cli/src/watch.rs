//! `tycho watch`: news that a server tells as long as it is asked.

use std::io::{self, Write as _};

use proto::peer::peer_client::PeerClient;
use proto::peer::{ChangeNotification, ChangeNotificationType, NotifyRequest};
use tonic::Code;

use crate::connection::{CallError, ConnectError, Connection, ServerFlags};
use crate::output::escape::visible;

/// The subcommands.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum WatchCommand {
    /// Show which nodes a relay is told of by this server, and every change
    #[command(alias = "peer")]
    Peers(PeersArgs),
}

/// The flags of `tycho watch peers`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PeersArgs {
    #[command(flatten)]
    server: ServerFlags,
}

/// Why watching ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// No server answered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refused the call or broke off.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The server does not know of others.
    #[error(
        "{refusal}\nobservers tell of peers; a relay does not. Name an observer with `--server ADDRESS`"
    )]
    NoPeers {
        /// Its words.
        refusal: CallError,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Runs a subcommand until the stream ends or the user interrupts.
pub(crate) async fn run(command: WatchCommand) -> Result<(), WatchError> {
    let WatchCommand::Peers(args) = command;
    let connection = args.server.connect_to_node().await?;
    let interrupt = tokio::signal::ctrl_c();
    tokio::select! {
        ended = peers(&connection) => ended,
        _ = interrupt => Ok(()),
    }
}

async fn peers(connection: &Connection) -> Result<(), WatchError> {
    let mut client = PeerClient::new(connection.channel.clone());
    let mut changes = match client.notify(NotifyRequest {}).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => {
            let code = status.code();
            let refusal = connection.call_error(status);
            return Err(match code {
                Code::Unimplemented => WatchError::NoPeers { refusal },
                _ => refusal.into(),
            });
        }
    };
    let mut out = io::stdout();
    loop {
        match changes.message().await {
            Ok(Some(change)) => {
                writeln!(out, "{}", line(&change))?;
                out.flush()?;
            }
            Ok(None) => return Ok(()),
            Err(status) if status.code() == Code::Cancelled => return Ok(()),
            Err(status) => return Err(connection.call_error(status).into()),
        }
    }
}

/// As Hubble's CLI prints it.
fn line(change: &ChangeNotification) -> String {
    let kind = ChangeNotificationType::try_from(change.r#type).map_or_else(
        |_| change.r#type.to_string(),
        |kind| kind.as_str_name().to_owned(),
    );
    let tls = change.tls.as_ref().map_or_else(String::new, |tls| {
        format!(" (TLS.ServerName: {})", tls.server_name)
    });
    let line = format!("{kind:<12} {} {}{tls}", change.address, change.name);
    visible(&line).into_owned()
}
