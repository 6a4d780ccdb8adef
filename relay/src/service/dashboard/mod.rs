//! `tycho.v1.Dashboard`: what a page shows.

mod counting;
mod definitions;
mod everywhere;
mod hints;
mod messages;
mod packets;
mod page_sink;
mod pages;
mod past;
mod ring_ages;
mod status;
mod tail;
mod watch;
mod worker;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use proto::tycho::v1::dashboard_server::Dashboard as Service;
use proto::tycho::v1::{
    ExplainFlowRequest, Explanation, FlowPage, GetAllEndpointsRequest, GetAllEndpointsResponse,
    GetAllPoliciesRequest, GetAllPoliciesResponse, GetFlowPageRequest, GetHintsRequest,
    GetHintsResponse, GetPolicyTextRequest, GetWindowsRequest, Policy, WatchEvent, WatchRequest,
    WindowsPart,
};
use tonic::{Request, Response, Status};

use super::answers::Relay;
use crate::dashboard::Dashboard;
pub(crate) use worker::{DashboardWorker, wall_ms};

#[derive(Debug)]
pub(super) struct DashboardApi {
    relay: Relay,
}

impl DashboardApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }

    /// The counts, if this relay keeps any.
    fn dashboard(&self) -> Result<&Arc<Dashboard>, Status> {
        self.relay.dashboard.as_ref().ok_or_else(|| {
            Status::failed_precondition(
                "this relay counts nothing for pages, because it serves none: start it with `--page`",
            )
        })
    }
}

#[tonic::async_trait]
impl Service for DashboardApi {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchEvent, Status>> + Send>>;
    type GetWindowsStream = Pin<Box<dyn Stream<Item = Result<WindowsPart, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let dashboard = self.dashboard()?;
        let watch = watch::Watch::new(&self.relay, dashboard, request.into_inner())?;
        Ok(Response::new(Box::pin(watch)))
    }

    async fn get_windows(
        &self,
        request: Request<GetWindowsRequest>,
    ) -> Result<Response<Self::GetWindowsStream>, Status> {
        let dashboard = self.dashboard()?;
        let parts = past::windows(&self.relay, dashboard, request.into_inner())?;
        Ok(Response::new(parts))
    }

    async fn get_flow_page(
        &self,
        request: Request<GetFlowPageRequest>,
    ) -> Result<Response<FlowPage>, Status> {
        let page = pages::page(&self.relay, request.into_inner()).await?;
        Ok(Response::new(page))
    }

    async fn get_hints(
        &self,
        request: Request<GetHintsRequest>,
    ) -> Result<Response<GetHintsResponse>, Status> {
        let counts = self.dashboard()?.lock();
        let hints = hints::hints(&counts, request.get_ref())?;
        Ok(Response::new(hints))
    }

    async fn explain_flow(
        &self,
        request: Request<ExplainFlowRequest>,
    ) -> Result<Response<Explanation>, Status> {
        let (metadata, _, request) = request.into_parts();
        let headers = metadata.into_headers();
        let explanation = everywhere::explain(&self.relay, &headers, &request).await?;
        Ok(Response::new(explanation))
    }

    async fn get_all_policies(
        &self,
        request: Request<GetAllPoliciesRequest>,
    ) -> Result<Response<GetAllPoliciesResponse>, Status> {
        let headers = request.into_parts().0.into_headers();
        let policies = everywhere::policies(&self.relay, &headers).await?;
        Ok(Response::new(policies))
    }

    async fn get_policy_text(
        &self,
        request: Request<GetPolicyTextRequest>,
    ) -> Result<Response<Policy>, Status> {
        let (metadata, _, request) = request.into_parts();
        let headers = metadata.into_headers();
        let policy = everywhere::policy_text(&self.relay, &headers, &request).await?;
        Ok(Response::new(policy))
    }

    async fn get_all_endpoints(
        &self,
        request: Request<GetAllEndpointsRequest>,
    ) -> Result<Response<GetAllEndpointsResponse>, Status> {
        let headers = request.into_parts().0.into_headers();
        let endpoints = everywhere::endpoints(&self.relay, &headers).await?;
        Ok(Response::new(endpoints))
    }
}
