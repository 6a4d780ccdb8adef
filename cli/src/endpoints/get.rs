//! `tycho endpoint get`.

use std::net::IpAddr;

use proto::tycho::v1::GetEndpointRequest;
use proto::tycho::v1::endpoints_client::EndpointsClient;
use proto::tycho::v1::get_endpoint_request::Endpoint as Which;

use super::{EndpointError, details, with_next_step};
use crate::connection::ServerFlags;
use crate::output::form::Form;

/// The flags of `tycho endpoint get`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GetArgs {
    /// Its name (`namespace/name`, or `name` without a namespace), its number, or one of its addresses
    #[arg(value_name = "NAME|NUMBER|IP")]
    endpoint: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Form,
    #[command(flatten)]
    server: ServerFlags,
}

pub(super) async fn run(args: GetArgs) -> Result<(), EndpointError> {
    let connection = args.server.connect_to_node().await?;
    let mut client = EndpointsClient::new(connection.channel.clone());
    let request = GetEndpointRequest {
        endpoint: Some(which(&args.endpoint)),
    };
    let endpoint = connection
        .ask("an endpoint", client.get_endpoint(request))
        .await
        .map_err(with_next_step)?;
    args.output
        .print("tycho.v1.Endpoint", &endpoint, details::write)?;
    Ok(())
}

/// A number and an address are no names that one would give; `namespace/7` still is a name.
fn which(text: &str) -> Which {
    if let Ok(number) = text.parse() {
        Which::Number(number)
    } else if text.parse::<IpAddr>().is_ok() {
        Which::Ip(text.to_owned())
    } else {
        Which::Name(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Which, which};

    #[test]
    fn names_numbers_and_addresses() {
        for (text, expected) in [
            ("7", Which::Number(7)),
            ("fd00::1", Which::Ip("fd00::1".to_owned())),
            ("10.0.0.1", Which::Ip("10.0.0.1".to_owned())),
            ("shop/7", Which::Name("shop/7".to_owned())),
            ("db", Which::Name("db".to_owned())),
            ("99999999999", Which::Name("99999999999".to_owned())),
        ] {
            assert_eq!(which(text), expected);
        }
    }
}
