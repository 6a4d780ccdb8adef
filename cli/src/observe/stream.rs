//! Prints the stream of a server.

use std::io;

use futures_util::FutureExt as _;
use proto::observer::GetFlowsRequest;
use proto::observer::observer_client::ObserverClient;
use proto::tycho::v1::GetFlowsResponse;
use proto::tycho::v1::flows_client::FlowsClient;
use tonic::{Code, Status, Streaming};

use super::dedup::Lines;
use crate::connection::{CallError, Connection, MAX_MESSAGE_BYTES};
use crate::output::without_details;

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The server refused the request or broke off.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

/// Flows from either service.
enum Flows {
    Detailed(Streaming<GetFlowsResponse>),
    Plain(Streaming<proto::observer::GetFlowsResponse>),
}

impl Flows {
    /// Asks for flows; with details if wanted and the server knows them.
    async fn open(
        connection: &Connection,
        request: GetFlowsRequest,
        details: bool,
    ) -> Result<Self, Status> {
        if details {
            let mut client = FlowsClient::new(connection.channel.clone())
                .max_decoding_message_size(MAX_MESSAGE_BYTES);
            match client.get_flows(request.clone()).await {
                Ok(stream) => return Ok(Self::Detailed(stream.into_inner())),
                Err(status) if status.code() == Code::Unimplemented => {}
                Err(status) => return Err(status),
            }
        }
        let mut client = ObserverClient::new(connection.channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES);
        let stream = client.get_flows(request).await?;
        Ok(Self::Plain(stream.into_inner()))
    }

    async fn next(&mut self) -> Result<Option<GetFlowsResponse>, Status> {
        match self {
            Self::Detailed(stream) => stream.message().await,
            Self::Plain(stream) => Ok(stream.message().await?.map(without_details)),
        }
    }
}

/// Prints flows until the stream ends or the user interrupts. Lines are held back only while more are
/// already there.
pub(super) async fn print<O: io::Write, E: io::Write>(
    connection: &Connection,
    request: GetFlowsRequest,
    details: bool,
    lines: &mut Lines<O, E>,
) -> Result<(), StreamError> {
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    let mut flows = tokio::select! {
        flows = Flows::open(connection, request, details) => {
            flows.map_err(|status| connection.call_error(status))?
        }
        _ = &mut interrupt => return Ok(()),
    };
    let ended = loop {
        let next = match flows.next().now_or_never() {
            Some(next) => next,
            None => {
                lines.flush()?;
                tokio::select! {
                    next = flows.next() => next,
                    () = lines.due() => continue,
                    _ = &mut interrupt => break Ok(()),
                }
            }
        };
        match next {
            Ok(Some(response)) => lines.push(response)?,
            Ok(None) => break Ok(()),
            Err(status) if status.code() == Code::Cancelled => break Ok(()),
            Err(status) => break Err(connection.call_error(status)),
        }
    };
    // What came before an error is shown, too.
    lines.finish()?;
    Ok(ended?)
}
