//! The nodes that a relay may ask: this one, and those that it knows of.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// A node, and how its observer is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerNode {
    /// `<cluster>/<node>`.
    pub name: String,
    /// Where its observer listens, as a client would dial it.
    pub address: String,
    /// The name that its certificate must carry; `None` if it speaks plain text.
    pub tls_server_name: Option<String>,
}

/// Nodes by name.
pub(crate) type PeerNodes = BTreeMap<String, PeerNode>;

/// All nodes that are known now; whoever subscribes learns of changes. A reader that is slow finds the newest state, not
/// every state between.
#[derive(Debug)]
pub struct PeerBoard {
    known: watch::Sender<Known>,
}

#[derive(Debug, Default)]
struct Known {
    own: Option<PeerNode>,
    others: Vec<PeerNode>,
    nodes: Arc<PeerNodes>,
}

impl Default for PeerBoard {
    fn default() -> Self {
        Self {
            known: watch::Sender::new(Known::default()),
        }
    }
}

impl PeerBoard {
    /// Says how this node is reached.
    pub fn set_own(&self, node: PeerNode) {
        self.change(|known| known.own = Some(node));
    }

    /// Says which other nodes there are; an entry with the name of this node is left out.
    pub fn set_others(&self, nodes: Vec<PeerNode>) {
        self.change(|known| known.others = nodes);
    }

    /// How this node is reached; `None` before that was said.
    #[must_use]
    pub fn own(&self) -> Option<PeerNode> {
        self.known.borrow().own.clone()
    }

    /// The nodes of now and of later, for one reader.
    pub(crate) fn watch(&self) -> PeerWatch {
        let mut known = self.known.subscribe();
        known.mark_changed();
        PeerWatch { known }
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        self.known.send_if_modified(|known| {
            change(known);
            let others = known.others.iter();
            let own = known.own.iter();
            let nodes: PeerNodes = others
                .chain(own)
                .map(|node| (node.name.clone(), node.clone()))
                .collect();
            let changed = *known.nodes != nodes;
            if changed {
                known.nodes = Arc::new(nodes);
            }
            changed
        });
    }
}

/// One reader's view of the board.
#[derive(Debug)]
pub(crate) struct PeerWatch {
    known: watch::Receiver<Known>,
}

impl PeerWatch {
    /// Waits for nodes that were not seen by this reader yet: at once the first time, then at each change. `None` when
    /// nobody can change anything any more.
    pub(crate) async fn next(&mut self) -> Option<Arc<PeerNodes>> {
        self.known.changed().await.ok()?;
        Some(Arc::clone(&self.known.borrow_and_update().nodes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn node(name: &str, address: &str) -> PeerNode {
        PeerNode {
            name: name.to_owned(),
            address: address.to_owned(),
            tls_server_name: None,
        }
    }

    #[test]
    fn a_reader_finds_the_newest_state_and_this_node_wins() {
        let board = PeerBoard::default();
        let mut early = board.watch();
        let next = |watch: &mut PeerWatch| {
            let nodes = watch.next().now_or_never()??;
            let shown = nodes.values();
            Some(
                shown
                    .map(|node| format!("{}@{}", node.name, node.address))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(next(&mut early), Some(vec![]));
        assert_eq!(next(&mut early), None);
        board.set_own(node("default/a", "1"));
        board.set_others(vec![node("default/b", "2"), node("default/a", "other")]);
        assert_eq!(board.own().unwrap().address, "1");
        let expect = Some(vec!["default/a@1".to_owned(), "default/b@2".to_owned()]);
        assert_eq!(next(&mut early), expect);
        assert_eq!(next(&mut early), None);
        let mut late = board.watch();
        assert_eq!(next(&mut late), expect);
        // The same again is no news.
        board.set_others(vec![node("default/b", "2")]);
        assert_eq!(next(&mut late), None);
        drop(board);
        assert_eq!(late.next().now_or_never(), Some(None));
    }
}
