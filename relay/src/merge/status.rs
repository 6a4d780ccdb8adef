//! What a stream says of its nodes: who is there at the start, then every change.

use std::collections::{BTreeMap, VecDeque};

use proto::relay::{NodeState, NodeStatusEvent};

use crate::peers::{Origin, PeerState, PeerView};

/// What was told, and what is still to be told.
#[derive(Debug, Default)]
pub(crate) struct Statuses {
    told: BTreeMap<String, NodeState>,
    untold: VecDeque<NodeStatusEvent>,
    problems: BTreeMap<Origin, String>,
    begun: bool,
}

impl Statuses {
    /// Compares with what was told. The first message names the connected nodes, whether there are any or not.
    pub(crate) fn look(&mut self, peers: &[PeerView]) {
        let mut connected = Vec::new();
        let mut unavailable = Vec::new();
        let mut now = BTreeMap::new();
        for peer in peers {
            let name = peer.short_name().to_owned();
            let state = match peer.state {
                PeerState::Connected(_) => NodeState::NodeConnected,
                PeerState::Unavailable { .. } => NodeState::NodeUnavailable,
                PeerState::Gone => continue,
            };
            if self.told.get(&name) != Some(&state) {
                match state {
                    NodeState::NodeConnected => connected.push(name.clone()),
                    _ => unavailable.push(name.clone()),
                }
            }
            now.insert(name, state);
        }
        let gone: Vec<String> = self
            .told
            .keys()
            .filter(|name| !now.contains_key(*name))
            .cloned()
            .collect();
        if !connected.is_empty() || !self.begun {
            self.push(NodeState::NodeConnected, connected, "");
        }
        if !unavailable.is_empty() {
            self.push(NodeState::NodeUnavailable, unavailable, "");
        }
        if !gone.is_empty() {
            self.push(NodeState::NodeGone, gone, "");
        }
        self.begun = true;
        self.told = now;
    }

    /// What is wrong with the relay's sources of peers: each is told once, in the relay's name.
    pub(super) fn look_at_problems(&mut self, relay: &str, problems: BTreeMap<Origin, String>) {
        for (origin, problem) in &problems {
            if self.problems.get(origin) != Some(problem) {
                self.error(relay, problem);
            }
        }
        self.problems = problems;
    }

    /// A node is not waited for any more.
    pub(super) fn late(&mut self, name: &str, message: &str) {
        self.push(NodeState::NodeUnavailable, vec![name.to_owned()], message);
    }

    /// It is waited for again.
    pub(super) fn in_time(&mut self, name: &str) {
        self.push(NodeState::NodeConnected, vec![name.to_owned()], "");
    }

    /// Its flows are merged by its own times again.
    pub(super) fn set_right(&mut self, name: &str) {
        let words = "its clock is right again";
        self.push(NodeState::NodeConnected, vec![name.to_owned()], words);
    }

    /// Something went wrong with a node.
    pub(crate) fn error(&mut self, name: &str, message: &str) {
        self.push(NodeState::NodeError, vec![name.to_owned()], message);
    }

    /// What a relay below says of its nodes.
    pub(super) fn forward(&mut self, status: NodeStatusEvent) {
        self.untold.push_back(status);
    }

    pub(crate) fn next(&mut self) -> Option<NodeStatusEvent> {
        self.untold.pop_front()
    }

    fn push(&mut self, state: NodeState, mut node_names: Vec<String>, message: &str) {
        node_names.sort_unstable();
        self.untold.push_back(event(state, node_names, message));
    }
}

/// News of one node.
pub(crate) fn about(state: NodeState, name: &str, message: &str) -> NodeStatusEvent {
    event(state, vec![name.to_owned()], message)
}

fn event(state: NodeState, node_names: Vec<String>, message: &str) -> NodeStatusEvent {
    NodeStatusEvent {
        state_change: state.into(),
        node_names,
        message: message.to_owned(),
    }
}
