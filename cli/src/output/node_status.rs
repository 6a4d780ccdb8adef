//! What a relay says of its nodes, in words.

use std::collections::HashSet;
use std::io;

use proto::relay::{NodeState, NodeStatusEvent};
use proto::tycho::v1::GetFlowsResponse;

use super::escape::escape;
use super::row::Style;

/// Names are listed until they take this many characters; the rest are counted.
const NAMES_LENGTH: usize = 50;

/// So many nodes in trouble are remembered.
const MOST_REMEMBERED: usize = 4_096;

/// The nodes that were said to be in trouble. That they work is news only of those: what a stream begins with, and nodes
/// that join, would only be noise between flows.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    names: HashSet<String>,
}

impl Troubles {
    /// What of the event is worth a line.
    pub(super) fn news(&mut self, status: &NodeStatusEvent) -> Option<NodeStatusEvent> {
        match status.state_change() {
            NodeState::NodeError | NodeState::NodeUnavailable | NodeState::NodeGone => {
                let room = MOST_REMEMBERED.saturating_sub(self.names.len());
                self.names
                    .extend(status.node_names.iter().take(room).cloned());
                Some(status.clone())
            }
            NodeState::NodeConnected => {
                let names = status.node_names.iter();
                let recovered: Vec<String> =
                    names.filter_map(|name| self.names.take(name)).collect();
                (!recovered.is_empty()).then(|| NodeStatusEvent {
                    node_names: recovered,
                    ..status.clone()
                })
            }
            NodeState::UnknownNodeState => None,
        }
    }
}

/// One line.
pub(super) fn line(
    err: &mut dyn io::Write,
    style: &Style,
    response: &GetFlowsResponse,
    status: &NodeStatusEvent,
) -> io::Result<()> {
    let time = style.time(response.time.as_ref());
    let count = status.node_names.len();
    let names = names(&status.node_names);
    let words = match status.state_change() {
        NodeState::NodeConnected => format!("Receiving flows from {count} nodes: {names}"),
        NodeState::NodeUnavailable => format!("{count} nodes are unavailable: {names}"),
        NodeState::NodeGone => format!("{count} nodes removed from cluster: {names}"),
        NodeState::NodeError => {
            format!("Error {:?} on {count} nodes: {names}", status.message)
        }
        NodeState::UnknownNodeState => format!("unknown change on {count} nodes: {names}"),
    };
    writeln!(
        err,
        "{time} [{}]: {}",
        escape(&response.node_name),
        escape(&words)
    )
}

/// One line per part.
pub(super) fn paragraph(
    err: &mut dyn io::Write,
    style: &Style,
    response: &GetFlowsResponse,
    status: &NodeStatusEvent,
) -> io::Result<()> {
    let message = if status.message.is_empty() {
        "N/A".to_owned()
    } else {
        format!("{:?}", status.message)
    };
    writeln!(err, "  TIMESTAMP: {}", style.time(response.time.as_ref()))?;
    writeln!(err, "      STATE: {}", status.state_change().as_str_name())?;
    writeln!(err, "      NODES: {}", escape(&names(&status.node_names)))?;
    writeln!(err, "    MESSAGE: {message}")
}

fn names(all: &[String]) -> String {
    let mut length = 0;
    let mut shown = all.len();
    for (index, name) in all.iter().enumerate() {
        length += name.len() + 2;
        if length > NAMES_LENGTH && index > 0 {
            shown = index;
            break;
        }
    }
    let joined = all[..shown].join(", ");
    match all.len() - shown {
        0 => joined,
        more => format!("{joined} (and {more} more)"),
    }
}

#[cfg(test)]
mod tests {
    use proto::relay::{NodeState, NodeStatusEvent};

    use super::Troubles;

    #[test]
    fn a_node_that_works_is_news_after_trouble() {
        let mut troubles = Troubles::default();
        for (state, names, expected) in [
            (NodeState::NodeConnected, "a b c", ""),
            (NodeState::NodeUnavailable, "b", "b"),
            (NodeState::NodeError, "c", "c"),
            (NodeState::NodeError, "c", "c"),
            (NodeState::NodeConnected, "a b", "b"),
            (NodeState::NodeConnected, "a b", ""),
            (NodeState::NodeConnected, "c", "c"),
            (NodeState::NodeGone, "a", "a"),
            (NodeState::UnknownNodeState, "b", ""),
            (NodeState::NodeConnected, "d a", "a"),
        ] {
            let status = NodeStatusEvent {
                state_change: state.into(),
                node_names: names.split(' ').map(str::to_owned).collect(),
                message: "why".to_owned(),
            };
            let news = troubles.news(&status);
            let told = news.as_ref().map(|news| news.node_names.join(" "));
            assert_eq!(told.unwrap_or_default(), expected, "{state:?} {names}");
            let kept = news
                .is_none_or(|news| (news.state_change(), news.message) == (state, status.message));
            assert!(kept, "{state:?} {names}");
        }
    }
}
