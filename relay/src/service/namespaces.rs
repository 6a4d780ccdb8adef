//! GetNamespaces of a relay: those of all nodes, each once, sorted.

use std::collections::BTreeSet;

use http::HeaderMap;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetNamespacesRequest, GetNamespacesResponse, Namespace};
use tonic::{Response, Status};

use super::answers::Relay;
use super::everybody::{ask, passed_on, path};

/// The namespaces. Nodes that could not be asked are named in a header of the response.
pub(super) async fn namespaces(
    relay: &Relay,
    headers: &HeaderMap,
) -> Result<Response<GetNamespacesResponse>, Status> {
    let path = &path(relay, headers)?;
    let answers = ask(relay, |channel| async move {
        let mut client = ObserverClient::new(channel);
        let request = passed_on(path, GetNamespacesRequest {});
        client.get_namespaces(request).await
    });
    let answers = answers.await.or_nobody()?;
    let all = answers
        .given
        .iter()
        .flat_map(|(_, answer)| &answer.namespaces);
    let all: BTreeSet<(&str, &str)> = all
        .map(|namespace| (namespace.cluster.as_str(), namespace.namespace.as_str()))
        .collect();
    let namespaces = all.into_iter().map(|(cluster, namespace)| Namespace {
        cluster: cluster.to_owned(),
        namespace: namespace.to_owned(),
    });
    let mut response = Response::new(GetNamespacesResponse {
        namespaces: namespaces.collect(),
    });
    answers.name_missing(response.metadata_mut());
    Ok(response)
}
