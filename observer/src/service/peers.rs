//! `peer.Peer`: which nodes there are, and every change.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use daemon::drain::Drain;
use futures_util::Stream;
use proto::peer::peer_server::Peer;
use proto::peer::{ChangeNotification, ChangeNotificationType, NotifyRequest, Tls};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::node::Node;
use crate::peers::{PeerNode, PeerNodes, PeerWatch};

/// Flows call a node `default/<node>`, peers call it `<node>`.
const DEFAULT_CLUSTER: &str = "default/";

#[derive(Debug)]
pub(super) struct PeerApi {
    node: Arc<Node>,
    stop: CancellationToken,
}

impl PeerApi {
    pub(super) fn new(node: Arc<Node>, drain: &Drain) -> Self {
        Self {
            node,
            stop: drain.stopping(),
        }
    }
}

#[tonic::async_trait]
impl Peer for PeerApi {
    type NotifyStream = Pin<Box<dyn Stream<Item = Result<ChangeNotification, Status>> + Send>>;

    async fn notify(
        &self,
        _request: Request<NotifyRequest>,
    ) -> Result<Response<Self::NotifyStream>, Status> {
        let reader = Reader {
            watch: self.node.peers.watch(),
            told: Arc::default(),
            untold: VecDeque::new(),
        };
        let news = futures_util::stream::unfold(reader, async |mut reader| {
            Some((Ok(reader.next().await?), reader))
        });
        // The client's stream ends with OK when the server ends.
        let stop = self.stop.clone().cancelled_owned();
        let news = futures_util::StreamExt::take_until(news, stop);
        Ok(Response::new(Box::pin(news)))
    }
}

/// What one client was told.
struct Reader {
    watch: PeerWatch,
    told: Arc<PeerNodes>,
    /// At most two for each node: a client that reads slowly holds up nobody, and misses states that are over.
    untold: VecDeque<ChangeNotification>,
}

impl Reader {
    async fn next(&mut self) -> Option<ChangeNotification> {
        loop {
            if let Some(notification) = self.untold.pop_front() {
                return Some(notification);
            }
            let nodes = self.watch.next().await?;
            self.untold = changes(&self.told, &nodes);
            self.told = nodes;
        }
    }
}

/// What has to be said of one state to whoever knows an earlier one. A node under another name is a new one, and the old
/// one leaves first.
fn changes(before: &PeerNodes, now: &PeerNodes) -> VecDeque<ChangeNotification> {
    let gone = before.values().filter(|old| !now.contains_key(&old.name));
    let gone = gone.map(|old| notification(old, ChangeNotificationType::PeerDeleted));
    let there = now.values().filter_map(|new| match before.get(&new.name) {
        None => Some(notification(new, ChangeNotificationType::PeerAdded)),
        Some(old) if old != new => Some(notification(new, ChangeNotificationType::PeerUpdated)),
        Some(_) => None,
    });
    gone.chain(there).collect()
}

fn notification(node: &PeerNode, kind: ChangeNotificationType) -> ChangeNotification {
    let name = node.name.strip_prefix(DEFAULT_CLUSTER);
    ChangeNotification {
        name: name.unwrap_or(&node.name).to_owned(),
        address: node.address.clone(),
        r#type: kind.into(),
        tls: node
            .tls_server_name
            .clone()
            .map(|server_name| Tls { server_name }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nodes(of: &[(u8, u8, Option<u8>)]) -> PeerNodes {
        let node = |(name, address, tls): &(u8, u8, Option<u8>)| PeerNode {
            name: format!("default/{name}"),
            address: address.to_string(),
            tls_server_name: tls.map(|name| name.to_string()),
        };
        let nodes = of.iter().map(node);
        nodes.map(|node| (node.name.clone(), node)).collect()
    }

    /// A client that believes what it is told.
    fn follow(known: &mut PeerNodes, notification: &ChangeNotification) {
        let name = format!("default/{}", notification.name);
        let node = PeerNode {
            name: name.clone(),
            address: notification.address.clone(),
            tls_server_name: notification.tls.clone().map(|tls| tls.server_name),
        };
        match notification.r#type() {
            ChangeNotificationType::PeerAdded => {
                assert!(known.insert(name, node).is_none(), "it was there");
            }
            ChangeNotificationType::PeerUpdated => {
                let old = known.insert(name, node.clone());
                assert!(old.is_some_and(|old| old != node), "nothing is new");
            }
            ChangeNotificationType::PeerDeleted => {
                assert_eq!(known.remove(&name), Some(node));
            }
            ChangeNotificationType::Unknown => panic!("{notification:?}"),
        }
    }

    proptest! {
        #[test]
        fn whoever_follows_the_changes_knows_the_nodes(
            states in proptest::collection::vec(
                proptest::collection::vec((0u8..5, 0u8..3, proptest::option::of(0u8..2)), 0..6), 1..6),
        ) {
            let mut known = PeerNodes::new();
            for state in states {
                let now = nodes(&state);
                let before = known.clone();
                for notification in changes(&before, &now) {
                    follow(&mut known, &notification);
                }
                prop_assert_eq!(&known, &now);
            }
        }
    }

    #[test]
    fn names_have_no_default_cluster_and_the_old_name_leaves_first() {
        let node = |name: &str| PeerNode {
            name: name.to_owned(),
            address: "10.0.0.1:4244".to_owned(),
            tls_server_name: Some("a.tycho".to_owned()),
        };
        let state = |name: &str| PeerNodes::from([(name.to_owned(), node(name))]);
        let told = changes(&state("default/z"), &state("east/a"));
        let told: Vec<_> = told
            .iter()
            .map(|one| (one.name.as_str(), one.r#type()))
            .collect();
        let expect = [
            ("z", ChangeNotificationType::PeerDeleted),
            ("east/a", ChangeNotificationType::PeerAdded),
        ];
        assert_eq!(told, expect);
    }
}
