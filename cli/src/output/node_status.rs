//! What a relay says of its nodes, in words.

use std::io;

use proto::relay::{NodeState, NodeStatusEvent};
use proto::tycho::v1::GetFlowsResponse;

use super::escape::escape;
use super::row::Style;

/// Names are listed until they take this many characters; the rest are counted.
const NAMES_LENGTH: usize = 50;

/// Whether the event tells of trouble; the others would only be noise between flows.
pub(super) fn is_trouble(status: &NodeStatusEvent) -> bool {
    matches!(
        status.state_change(),
        NodeState::NodeError | NodeState::NodeUnavailable
    )
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
