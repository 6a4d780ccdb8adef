//! A client of an observer's or a relay's own calls, for those that no command prints.

use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse};
use proto::tycho::v1::edges_client::EdgesClient;
use proto::tycho::v1::{EdgeForm, EdgesPart, GetEdgesRequest, StreamEdgesRequest};
use tokio::runtime::Runtime;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use crate::agent::Agent;

/// A connection, with the runtime that it needs.
pub struct Grpc {
    runtime: Runtime,
    channel: Channel,
}

/// A stream that is read one message at a time.
pub struct Messages<'a, T> {
    runtime: &'a Runtime,
    stream: Streaming<T>,
}

impl Grpc {
    /// Connects to a running observer.
    pub fn connect(agent: &Agent) -> Self {
        Self::at(agent.server())
    }

    /// Connects to whoever serves at an address.
    pub fn at(server: &str) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let endpoint = Endpoint::from_shared(server.to_owned()).expect("an address");
        let channel = runtime.block_on(endpoint.connect()).expect("it serves");
        Self { runtime, channel }
    }

    /// One reading of edges.
    pub fn edges(&self, form: EdgeForm) -> Vec<EdgesPart> {
        let request = GetEdgesRequest { form: form.into() };
        let mut client = EdgesClient::new(self.channel.clone());
        let answer = self.runtime.block_on(client.get_edges(request));
        self.messages(answer.expect("it counts").into_inner())
            .collect()
    }

    /// Edges each second.
    pub fn follow_edges(&self) -> Messages<'_, EdgesPart> {
        let mut client = EdgesClient::new(self.channel.clone());
        let answer = self
            .runtime
            .block_on(client.stream_edges(StreamEdgesRequest::default()));
        self.messages(answer.expect("it counts").into_inner())
    }

    /// All agent events, and those that come.
    pub fn follow_agent_events(&self) -> Messages<'_, GetAgentEventsResponse> {
        let request = GetAgentEventsRequest {
            follow: true,
            since: Some(flow::selection::timestamp(0)),
            ..GetAgentEventsRequest::default()
        };
        let mut client = ObserverClient::new(self.channel.clone());
        let answer = self.runtime.block_on(client.get_agent_events(request));
        self.messages(answer.expect("it tells").into_inner())
    }

    fn messages<T>(&self, stream: Streaming<T>) -> Messages<'_, T> {
        Messages {
            runtime: &self.runtime,
            stream,
        }
    }
}

impl<T> Iterator for Messages<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let next = self.runtime.block_on(self.stream.message());
        next.expect("the stream goes on, or ends in order")
    }
}
