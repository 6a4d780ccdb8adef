//! Finds a server, connects to it and makes sure that it speaks the API.

pub(crate) mod address;
mod ask;
mod call;

use std::time::Duration;

use daemon::connect::{Asker, ClientSecurity, Windows, connect};
use proto::observer::observer_client::ObserverClient;
use proto::observer::{ServerStatusRequest, ServerStatusResponse};
use tonic::transport::Channel;

use crate::clock::duration;
use crate::output::escape::visible_lines;
use crate::tls_flags::{ClientTlsFlags, TlsFlagsError};
use address::{Address, AddressError};
pub(crate) use ask::AskError;
pub(crate) use call::CallError;

/// The largest message that is taken from a server.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// How to find the server.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerFlags {
    /// Address of the server: host:port, tls://host:port or unix:///path. Without it (and without HUBBLE_SERVER), the
    /// first that answers of localhost:4245, localhost:4244 and unix:///run/tycho/observer.sock; what is
    /// about one node, or changes something, asks the socket first
    #[arg(
        long,
        env = "TYCHO_SERVER",
        value_name = "ADDRESS",
        hide_env_values = true
    )]
    server: Option<String>,
    /// The variable that Hubble's CLI reads
    #[arg(long, env = "HUBBLE_SERVER", hide = true, hide_env_values = true)]
    hubble_server: Option<String>,
    /// How long a server may take to answer the first call
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    timeout: Duration,
    #[command(flatten)]
    tls: ClientTlsFlags,
}

/// A server that answers.
pub(crate) struct Connection {
    pub(crate) channel: Channel,
    /// The address as the user knows it.
    pub(crate) address: Address,
    /// What it said of itself, if it could.
    pub(crate) status: Result<ServerStatusResponse, CallError>,
    /// How long any later answer may take.
    pub(crate) timeout: Duration,
}

/// No server to speak to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The address given is none.
    #[error("invalid server address")]
    Address(#[from] AddressError),
    /// The options of TLS make no sense.
    #[error(transparent)]
    Tls(#[from] TlsFlagsError),
    /// The one server asked for does not answer.
    #[error("cannot use the server {failure}{}", failure.next_step())]
    One {
        /// Which, and why.
        failure: Failure,
    },
    /// None of the default addresses has a server.
    #[error("no server found; tried\n{}\n{NEXT_STEP}", list(.0))]
    None(Vec<Failure>),
}

/// A server that does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{address}: {reason}")]
pub(crate) struct Failure {
    address: Address,
    reason: Reason,
}

/// Why it does not.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("{}", visible_lines(&.0.told(Asker::Command)))]
    Connect(daemon::connect::ConnectError),
    #[error("{0}")]
    Api(String),
}

const NEXT_STEP: &str =
    "start one with `sudo tycho demo`, or name one with `--server ADDRESS` or TYCHO_SERVER";

fn list(tried: &[Failure]) -> String {
    let lines: Vec<String> = tried.iter().map(|failure| format!("  {failure}")).collect();
    lines.join("\n")
}

impl Failure {
    /// What to do, in a line of its own, unless the reason says it.
    fn next_step(&self) -> String {
        match &self.reason {
            Reason::Connect(error) if error.next_step(Asker::Command).is_some() => String::new(),
            _ => format!("\n{NEXT_STEP}"),
        }
    }
}

impl ServerFlags {
    /// Connects to the server asked for, or to the first default one that answers.
    pub(crate) async fn connect(&self) -> Result<Connection, ConnectError> {
        self.connect_to(address::defaults()).await
    }

    /// The same for a question that a relay has no answer to: without an address, the node's own observer comes first.
    pub(crate) async fn connect_to_node(&self) -> Result<Connection, ConnectError> {
        self.connect_to(address::defaults_for_a_node()).await
    }

    /// The same for a call that changes something: without an address, the observer's socket comes first, since
    /// changes are taken nowhere else.
    pub(crate) async fn connect_to_change(&self) -> Result<Connection, ConnectError> {
        self.connect_to(address::defaults_for_a_change()).await
    }

    async fn connect_to(&self, defaults: [Address; 3]) -> Result<Connection, ConnectError> {
        let asked = self.server.as_ref().or(self.hubble_server.as_ref());
        if let Some(text) = asked.filter(|text| !text.is_empty()) {
            let address: Address = text.parse::<Address>()?;
            let security = self.tls.security(&address)?;
            return try_open(address, &security, self.timeout)
                .await
                .map_err(|failure| ConnectError::One { failure });
        }
        let mut tried = Vec::new();
        for address in defaults {
            let security = self.tls.security(&address)?;
            match try_open(address, &security, self.timeout).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => tried.push(failure),
            }
        }
        Err(ConnectError::None(tried))
    }
}

/// Connects and asks for the status: only an answer shows that the other side speaks the API.
async fn first_call(
    address: &Address,
    security: &ClientSecurity,
) -> Result<(Channel, Result<ServerStatusResponse, tonic::Status>), Reason> {
    let channel = connect(&address.target, security, Windows::BULK)
        .await
        .map_err(Reason::Connect)?;
    let mut client = ObserverClient::new(channel.clone());
    match client.server_status(ServerStatusRequest {}).await {
        Ok(status) => Ok((channel, Ok(status.into_inner()))),
        Err(status) => match call::transport_cause(&status) {
            Some(cause) => Err(Reason::Api(format!(
                "it accepts connections but does not speak gRPC ({cause}); is this the port of another service?"
            ))),
            None if status.code() == tonic::Code::Unimplemented => Err(Reason::Api(
                "it speaks gRPC but is no Tycho or Hubble server".to_owned(),
            )),
            None => Ok((channel, Err(status))),
        },
    }
}

async fn try_open(
    address: Address,
    security: &ClientSecurity,
    timeout: Duration,
) -> Result<Connection, Failure> {
    let reason = match tokio::time::timeout(timeout, first_call(&address, security)).await {
        Ok(Ok((channel, status))) => {
            return Ok(Connection {
                channel,
                status: status.map_err(|status| CallError::new(&address, status)),
                address,
                timeout,
            });
        }
        Ok(Err(reason)) => reason,
        Err(_) => Reason::Api(format!(
            "no answer within {timeout:?}; is this a Tycho or Hubble server?"
        )),
    };
    Err(Failure { address, reason })
}

impl Connection {
    /// Connects to one server without TLS; any answer may take so long.
    #[cfg(all(feature = "observer", feature = "relay"))]
    pub(crate) async fn open(address: Address, timeout: Duration) -> Result<Self, ConnectError> {
        try_open(address, &ClientSecurity::Plaintext, timeout)
            .await
            .map_err(|failure| ConnectError::One { failure })
    }

    /// An error of a call, with the address it was made to.
    pub(crate) fn call_error(&self, status: tonic::Status) -> CallError {
        CallError::new(&self.address, status)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectError, Failure, NEXT_STEP, Reason, address};

    #[test]
    fn each_address_is_named_with_its_reason() {
        let tried = address::defaults()
            .into_iter()
            .zip(["a", "b", "c"].map(|reason| Reason::Api(reason.to_owned())))
            .map(|(address, reason)| Failure { address, reason })
            .collect();
        assert_eq!(
            ConnectError::None(tried).to_string(),
            format!(
                "no server found; tried\n  localhost:4245: a\n  localhost:4244: b\n  \
                 unix:///run/tycho/observer.sock: c\n{NEXT_STEP}"
            )
        );
    }
}
