//! Which policy a name means.

use proto::tycho::v1::policies_client::PoliciesClient;
use proto::tycho::v1::{ListPoliciesRequest, ListPoliciesResponse, PolicyName};
use tonic::transport::Channel;

use super::{PolicyError, name};
use crate::connection::{AskError, Connection, MAX_MESSAGE_BYTES};
use crate::output::escape::visible;

/// The service.
pub(super) fn client(connection: &Connection) -> PoliciesClient<Channel> {
    PoliciesClient::new(connection.channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
}

/// All policies of the node.
pub(super) async fn all(connection: &Connection) -> Result<ListPoliciesResponse, AskError> {
    let mut client = client(connection);
    let answer = client.list_policies(ListPoliciesRequest {});
    connection.ask("its policies", answer).await
}

/// The one policy that the text can mean.
pub(super) async fn one(connection: &Connection, text: &str) -> Result<PolicyName, PolicyError> {
    let policies = all(connection).await?.policies.into_iter();
    let mut meant: Vec<PolicyName> = policies
        .filter_map(|policy| policy.name)
        .filter(|candidate| name::can_mean(text, candidate))
        .collect();
    match (meant.pop(), meant.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(PolicyError::Unknown(text.to_owned())),
        (Some(last), _) => Err(PolicyError::Ambiguous {
            text: text.to_owned(),
            names: meant
                .iter()
                .chain([&last])
                .map(|name| visible(&name::shown(name)).into_owned())
                .collect(),
        }),
    }
}
