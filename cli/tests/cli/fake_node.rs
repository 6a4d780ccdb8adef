//! What the server with canned answers says of its endpoints, identities and policies.

use std::sync::{Arc, Mutex};

use prost_types::Timestamp;
use proto::tycho::v1::endpoints_server::Endpoints;
use proto::tycho::v1::identities_server::Identities;
use proto::tycho::v1::policies_server::Policies;
use proto::tycho::v1::{
    AddEndpointRequest, DeletePolicyRequest, DeletePolicyResponse, Endpoint, ExplainRequest,
    Explanation, GetEndpointRequest, GetIdentityRequest, GetPolicyRequest, GetVerdictRequest,
    GetVerdictResponse, Identity, ImportPoliciesRequest, ImportPoliciesResponse,
    LabelEndpointRequest, ListEndpointsRequest, ListEndpointsResponse, ListIdentitiesRequest,
    ListIdentitiesResponse, ListPoliciesRequest, ListPoliciesResponse, Policy,
    RemoveEndpointRequest, RemoveEndpointResponse,
};
use tonic::{Request, Response, Status};

use crate::answers;

type Answer<T> = Result<Response<T>, Status>;

/// The services of a node.
#[derive(Clone, Default)]
pub(crate) struct FakeNode {
    /// Whether it refuses changes, as a node does that is asked over TCP.
    pub(crate) refuses_changes: bool,
    /// Each request in JSON, behind the name of its message.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl FakeNode {
    /// What it was asked.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with it").clone()
    }

    fn note<M: prost::Message>(&self, name: &str, request: &Request<M>) {
        let json =
            proto::json::message_to_json(&format!("tycho.v1.{name}Request"), request.get_ref());
        let mut asked = self.asked.lock().expect("no test panics with it");
        asked.push(format!("{name} {json}"));
    }

    fn change<M: prost::Message>(&self, name: &str, request: &Request<M>) -> Result<(), Status> {
        self.note(name, request);
        if self.refuses_changes {
            return Err(Status::permission_denied(
                "changes are served on the Unix socket only",
            ));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl Endpoints for FakeNode {
    async fn list_endpoints(
        &self,
        request: Request<ListEndpointsRequest>,
    ) -> Answer<ListEndpointsResponse> {
        self.note("ListEndpoints", &request);
        Ok(Response::new(answers::endpoints()))
    }

    async fn get_endpoint(&self, request: Request<GetEndpointRequest>) -> Answer<Endpoint> {
        self.note("GetEndpoint", &request);
        match request.into_inner().endpoint {
            Some(proto::tycho::v1::get_endpoint_request::Endpoint::Number(99)) => {
                Err(Status::not_found("there is no endpoint 99"))
            }
            _ => Ok(Response::new(answers::endpoints().endpoints.remove(1))),
        }
    }

    async fn add_endpoint(&self, request: Request<AddEndpointRequest>) -> Answer<Endpoint> {
        self.change("AddEndpoint", &request)?;
        if request.get_ref().endpoint.contains("taken") {
            return Err(Status::already_exists(
                "the name shop/taken is taken: endpoints.yaml:4",
            ));
        }
        Ok(Response::new(answers::waiting_endpoint()))
    }

    async fn remove_endpoint(
        &self,
        request: Request<RemoveEndpointRequest>,
    ) -> Answer<RemoveEndpointResponse> {
        self.change("RemoveEndpoint", &request)?;
        if request.get_ref().name == "shop/db" {
            return Err(Status::failed_precondition(
                "shop/db is defined at endpoints.yaml:4",
            ));
        }
        Ok(Response::new(RemoveEndpointResponse {
            endpoint: Some(answers::waiting_endpoint()),
        }))
    }

    async fn label_endpoint(&self, request: Request<LabelEndpointRequest>) -> Answer<Endpoint> {
        self.change("LabelEndpoint", &request)?;
        Ok(Response::new(answers::waiting_endpoint()))
    }
}

#[tonic::async_trait]
impl Identities for FakeNode {
    async fn list_identities(
        &self,
        request: Request<ListIdentitiesRequest>,
    ) -> Answer<ListIdentitiesResponse> {
        self.note("ListIdentities", &request);
        if request
            .get_ref()
            .at
            .as_ref()
            .is_some_and(|at| at.seconds < 1)
        {
            return Err(Status::out_of_range("nothing is known of that time"));
        }
        Ok(Response::new(answers::identities()))
    }

    async fn get_identity(&self, request: Request<GetIdentityRequest>) -> Answer<Identity> {
        self.note("GetIdentity", &request);
        if request.get_ref().identity == 999 {
            return Err(Status::not_found("there is no identity 999"));
        }
        Ok(Response::new(answers::identities().identities.remove(2)))
    }
}

#[tonic::async_trait]
impl Policies for FakeNode {
    async fn list_policies(
        &self,
        request: Request<ListPoliciesRequest>,
    ) -> Answer<ListPoliciesResponse> {
        self.note("ListPolicies", &request);
        Ok(Response::new(answers::policies()))
    }

    async fn get_policy(&self, request: Request<GetPolicyRequest>) -> Answer<Policy> {
        self.note("GetPolicy", &request);
        let mut policy = answers::policies().policies.remove(1);
        policy.yaml = answers::POLICY_TEXT.to_owned();
        Ok(Response::new(policy))
    }

    async fn import_policies(
        &self,
        request: Request<ImportPoliciesRequest>,
    ) -> Answer<ImportPoliciesResponse> {
        self.change("ImportPolicies", &request)?;
        let policies = answers::policies().policies.into_iter();
        Ok(Response::new(ImportPoliciesResponse {
            names: policies.filter_map(|policy| policy.name).take(2).collect(),
            revision: 4,
        }))
    }

    async fn delete_policy(
        &self,
        request: Request<DeletePolicyRequest>,
    ) -> Answer<DeletePolicyResponse> {
        self.change("DeletePolicy", &request)?;
        Ok(Response::new(DeletePolicyResponse { revision: 5 }))
    }

    async fn get_verdict(&self, request: Request<GetVerdictRequest>) -> Answer<GetVerdictResponse> {
        self.note("GetVerdict", &request);
        Ok(Response::new(answers::verdict(request.get_ref().port)))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Answer<Explanation> {
        self.note("Explain", &request);
        match request.get_ref().flow.as_str() {
            "gone" => Err(Status::not_found("the flow gone is not held any more")),
            "changed" => Ok(Response::new(answers::explanation(true))),
            _ => Ok(Response::new(answers::explanation(false))),
        }
    }
}

/// A time of the answers: so many seconds after they begin.
pub(crate) fn time(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: 1_763_805_600 + seconds,
        nanos: 0,
    })
}
