//! Finds a server, connects to it and makes sure that it speaks the API.

pub(crate) mod address;
mod ask;
mod call;
mod transport;

use std::time::Duration;

use proto::observer::observer_client::ObserverClient;
use proto::observer::{ServerStatusRequest, ServerStatusResponse};
use tonic::transport::Channel;

use crate::clock::duration;
use address::{Address, AddressError};
pub(crate) use ask::AskError;
pub(crate) use call::CallError;

/// The largest message that is taken from a server.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// How to find the server.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerFlags {
    /// Address of the server: host:port or unix:///path. Without it (and without HUBBLE_SERVER), the
    /// first that answers of localhost:4245, localhost:4244 and unix:///run/tycho/observer.sock; what
    /// changes something asks the socket first
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
    /// The one server asked for does not answer.
    #[error("cannot use the server {address}: {reason}\n{NEXT_STEP}")]
    One {
        /// Its address.
        address: Address,
        /// Why.
        reason: String,
    },
    /// None of the default addresses has a server.
    #[error("no server found; tried\n{}\n{NEXT_STEP}", list(.0))]
    None(Vec<(Address, String)>),
}

const NEXT_STEP: &str =
    "start one with `sudo tycho demo`, or name one with `--server ADDRESS` or TYCHO_SERVER";

fn list(tried: &[(Address, String)]) -> String {
    let lines: Vec<String> = tried
        .iter()
        .map(|(address, reason)| format!("  {address}: {reason}"))
        .collect();
    lines.join("\n")
}

impl ServerFlags {
    /// Connects to the server asked for, or to the first default one that answers.
    pub(crate) async fn connect(&self) -> Result<Connection, ConnectError> {
        self.connect_to(Address::defaults()).await
    }

    /// The same for a call that changes something: without an address, the observer's socket comes first, since
    /// changes are taken nowhere else.
    pub(crate) async fn connect_to_change(&self) -> Result<Connection, ConnectError> {
        self.connect_to(Address::defaults_for_a_change()).await
    }

    async fn connect_to(&self, defaults: [Address; 3]) -> Result<Connection, ConnectError> {
        let asked = self.server.as_ref().or(self.hubble_server.as_ref());
        if let Some(text) = asked.filter(|text| !text.is_empty()) {
            let address = Address::parse(text)?;
            return Connection::open(address, self.timeout).await;
        }
        let mut tried = Vec::new();
        for address in defaults {
            match try_open(address, self.timeout).await {
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
) -> Result<(Channel, Result<ServerStatusResponse, tonic::Status>), String> {
    let channel = transport::connect(address).await?;
    let mut client = ObserverClient::new(channel.clone());
    match client.server_status(ServerStatusRequest {}).await {
        Ok(status) => Ok((channel, Ok(status.into_inner()))),
        Err(status) => match call::transport_cause(&status) {
            Some(cause) => Err(format!(
                "it accepts connections but does not speak gRPC ({cause}); is this the port of another service?"
            )),
            None if status.code() == tonic::Code::Unimplemented => {
                Err("it speaks gRPC but is no Tycho or Hubble server".to_owned())
            }
            None => Ok((channel, Err(status))),
        },
    }
}

async fn try_open(address: Address, timeout: Duration) -> Result<Connection, (Address, String)> {
    match tokio::time::timeout(timeout, first_call(&address)).await {
        Ok(Ok((channel, status))) => Ok(Connection {
            channel,
            status: status.map_err(|status| CallError::new(&address, status)),
            address,
            timeout,
        }),
        Ok(Err(reason)) => Err((address, reason)),
        Err(_) => {
            let reason = format!("no answer within {timeout:?}; is this a Tycho or Hubble server?");
            Err((address, reason))
        }
    }
}

impl Connection {
    /// Connects to one server; any answer may take so long.
    pub(crate) async fn open(address: Address, timeout: Duration) -> Result<Self, ConnectError> {
        try_open(address, timeout)
            .await
            .map_err(|(address, reason)| ConnectError::One { address, reason })
    }

    /// An error of a call, with the address it was made to.
    pub(crate) fn call_error(&self, status: tonic::Status) -> CallError {
        CallError::new(&self.address, status)
    }
}

#[cfg(test)]
mod tests {
    use super::address::Address;
    use super::{ConnectError, NEXT_STEP};

    #[test]
    fn each_address_is_named_with_its_reason() {
        let tried = Address::defaults()
            .into_iter()
            .zip(["a", "b", "c"].map(str::to_owned))
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
