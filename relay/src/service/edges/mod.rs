//! `tycho.v1.Edges` of a relay: what each node says, or the totals of all of them by label set.

mod hub;
mod merged;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use flow::edges::asked;
use futures_util::{Stream, StreamExt as _, stream};
use http::HeaderMap;
use proto::relay::NodeStatusEvent;
use proto::tycho::v1::edges_client::EdgesClient;
use proto::tycho::v1::edges_server::Edges;
use proto::tycho::v1::{EdgeForm, EdgesPart, GetEdgesRequest, StreamEdgesRequest};
use tonic::{Request, Response, Status};

use super::answers::{Relay, invalid};
use super::everybody::{passed_on, path};
use super::sources::{News, Open, Sources, asked_for};
use crate::upstream::RelayPath;
pub(crate) use hub::EdgeHub;
use merged::Merged;

/// The largest part that is taken: one whose edges all need labels and rules.
const MOST_BYTES: usize = 16 << 20;

type Parts = Pin<Box<dyn Stream<Item = Result<EdgesPart, Status>> + Send>>;

#[derive(Debug)]
pub(super) struct EdgesApi {
    relay: Relay,
}

impl EdgesApi {
    pub(super) fn new(relay: Relay) -> Self {
        Self { relay }
    }

    /// What every node says, as it comes; with an interval it goes on.
    fn by_node(&self, headers: &HeaderMap, interval: Option<Duration>) -> Result<Parts, Status> {
        let slot = self.relay.slot()?;
        let path = path(&self.relay, headers)?;
        let stop = self.relay.drain.stopping();
        let through = Through {
            name: Arc::clone(&self.relay.name),
            sources: Sources::new(&self.relay, interval.is_some(), opener(path, interval)),
            owners: Owners::default(),
        };
        let parts = stream::unfold((through, slot), async |(mut through, slot)| {
            Some((Ok(through.next().await?), (through, slot)))
        });
        Ok(match interval {
            Some(_) => parts.take_until(stop.cancelled_owned()).boxed(),
            None => parts.boxed(),
        })
    }

    fn merged(&self, headers: &HeaderMap, interval: Option<Duration>) -> Result<Parts, Status> {
        path(&self.relay, headers)?;
        let slot = self.relay.slot()?;
        let merged = Merged::new(&self.relay, interval);
        let stop = self.relay.drain.stopping();
        let parts = stream::unfold((merged, slot), async |(mut merged, slot)| {
            Some((Ok(merged.next().await?), (merged, slot)))
        });
        Ok(parts.take_until(stop.cancelled_owned()).boxed())
    }

    fn parts(
        &self,
        headers: &HeaderMap,
        form: i32,
        interval: Option<Duration>,
    ) -> Result<Response<Parts>, Status> {
        let parts = match asked::is_merged(form).map_err(invalid)? {
            true => self.merged(headers, interval)?,
            false => self.by_node(headers, interval)?,
        };
        Ok(Response::new(parts))
    }
}

#[tonic::async_trait]
impl Edges for EdgesApi {
    type GetEdgesStream = Parts;
    type StreamEdgesStream = Parts;

    async fn get_edges(
        &self,
        request: Request<GetEdgesRequest>,
    ) -> Result<Response<Parts>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.parts(&metadata.into_headers(), request.form, None)
    }

    async fn stream_edges(
        &self,
        request: Request<StreamEdgesRequest>,
    ) -> Result<Response<Parts>, Status> {
        let (metadata, _, request) = request.into_parts();
        let interval = asked::interval(request.interval).map_err(invalid)?;
        self.parts(&metadata.into_headers(), request.form, Some(interval))
    }
}

/// Asks a node for its own edges; with an interval it goes on.
pub(super) fn opener(path: RelayPath, interval: Option<Duration>) -> Open<EdgesPart> {
    Box::new(move |_, _, connection| {
        let client = EdgesClient::new(connection.channel.clone());
        let mut client = client.max_decoding_message_size(MOST_BYTES);
        let form = EdgeForm::ByNode.into();
        let path = path.clone();
        asked_for(async move {
            match interval {
                None => {
                    let request = GetEdgesRequest { form };
                    client.get_edges(passed_on(&path, request)).await
                }
                Some(interval) => {
                    let request = StreamEdgesRequest {
                        form,
                        interval: prost_types::Duration::try_from(interval).ok(),
                    };
                    client.stream_edges(passed_on(&path, request)).await
                }
            }
        })
    })
}

/// The parts of all nodes, handed on as they are.
struct Through {
    name: Arc<str>,
    sources: Sources<EdgesPart>,
    owners: Owners,
}

impl Through {
    async fn next(&mut self) -> Option<EdgesPart> {
        loop {
            match self.sources.next().await? {
                News::Said(source, part) if self.owners.accept(&source, &part) => {
                    return Some(part);
                }
                News::Said(..) => {}
                News::Status(status) => return Some(status_part(&self.name, vec![status])),
                News::Gone(source) => drop(self.owners.release(&source)),
            }
        }
    }
}

/// A part that tells of nodes only.
fn status_part(server: &str, node_status: Vec<NodeStatusEvent>) -> EdgesPart {
    EdgesPart {
        node_name: server.to_owned(),
        node_status,
        ..EdgesPart::default()
    }
}

/// From which peer each node's edges are taken: a node behind two relays is told of by both.
#[derive(Debug, Default)]
pub(super) struct Owners {
    of_node: BTreeMap<String, String>,
}

impl Owners {
    /// Whether a part is to be taken. A node's first must begin a whole reading.
    pub(super) fn accept(&mut self, source: &str, part: &EdgesPart) -> bool {
        if part.node_name.is_empty() || (part.reading == 0 && !part.node_status.is_empty()) {
            // What a relay below says of its nodes.
            return true;
        }
        match self.of_node.get(&part.node_name) {
            Some(owner) => owner == source,
            None if part.whole && part.part == 0 => {
                self.of_node
                    .insert(part.node_name.clone(), source.to_owned());
                true
            }
            None => false,
        }
    }

    /// A peer is gone; gives the nodes that it told of.
    pub(super) fn release(&mut self, source: &str) -> Vec<String> {
        let gone = self.of_node.extract_if(.., |_, owner| owner == source);
        gone.map(|(node, _)| node).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_owner() {
        let mut owners = Owners::default();
        let part = |whole, part| EdgesPart {
            node_name: "n".to_owned(),
            reading: 1,
            whole,
            part,
            ..EdgesPart::default()
        };
        assert!(
            !owners.accept("a", &part(false, 0)),
            "it begins in the middle"
        );
        assert!(!owners.accept("a", &part(true, 1)));
        assert!(owners.accept("a", &part(true, 0)));
        assert!(owners.accept("a", &part(false, 0)));
        assert!(!owners.accept("b", &part(true, 0)), "somebody tells of it");
        assert_eq!(owners.release("a"), ["n"]);
        assert!(owners.accept("b", &part(true, 0)));
        assert!(owners.accept("c", &status_part("relay", vec![NodeStatusEvent::default()])));
    }
}
