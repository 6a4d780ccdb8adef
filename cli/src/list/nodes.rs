//! `tycho list nodes`: from Tycho's service, which knows more, or from Hubble's.

use std::io::{self, Write as _};

use proto::observer::GetNodesRequest;
use proto::observer::observer_client::ObserverClient;
use proto::tycho::v1::nodes_client::NodesClient;
use proto::tycho::v1::{ListNodesRequest, NodeState};
use tonic::Code;

use super::{Common, Form, ListError, node_table};
use crate::connection::{AskError, Connection, MAX_MESSAGE_BYTES};

/// The flags of `tycho list nodes`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NodesArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: NodesArgs) -> Result<(), ListError> {
    let connection = args.common.server.connect().await?;
    let mut nodes = ask(&connection).await?;
    nodes.sort_by(|one, other| name(one).cmp(name(other)));
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.common.output {
        Form::Json => {
            let items: Vec<String> = nodes.into_iter().map(json).collect();
            writeln!(out, "[{}]", items.join(","))?;
        }
        Form::Dict => node_table::dict(&mut out, &nodes)?,
        Form::Table => node_table::table(&mut out, &nodes, false)?,
        Form::Wide => node_table::table(&mut out, &nodes, true)?,
    }
    Ok(out.flush()?)
}

async fn ask(connection: &Connection) -> Result<Vec<NodeState>, ListError> {
    let channel = connection.channel.clone();
    let mut client = NodesClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let answer = client.list_nodes(ListNodesRequest {});
    match connection.ask("its nodes", answer).await {
        Ok(answer) => Ok(answer.nodes),
        Err(AskError::NotTycho { .. }) => ask_as_hubble_does(connection).await,
        Err(error) => Err(error.into()),
    }
}

async fn ask_as_hubble_does(connection: &Connection) -> Result<Vec<NodeState>, ListError> {
    let channel = connection.channel.clone();
    let mut client = ObserverClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES);
    let answer = async {
        let answer = client.get_nodes(GetNodesRequest {}).await;
        // What Hubble's server of one node says; the question itself was answered.
        match answer {
            Err(status) if status.code() == Code::Unimplemented => Ok(tonic::Response::new(None)),
            other => other.map(|response| response.map(Some)),
        }
    };
    let answer = connection.ask("its nodes", answer).await?;
    let answer = answer.ok_or_else(|| ListError::OneNode {
        address: connection.address.to_string(),
    })?;
    let nodes = answer.nodes.into_iter();
    Ok(nodes
        .map(|node| NodeState {
            state: node.state,
            node: Some(node),
            ..Default::default()
        })
        .collect())
}

fn name(node: &NodeState) -> &str {
    node.node.as_ref().map_or("", |node| node.name.as_str())
}

/// The object that Hubble's CLI prints, with what Tycho knows beyond it as one more key.
fn json(mut state: NodeState) -> String {
    let node = state.node.take().unwrap_or_default();
    state.state = 0;
    let mut text = proto::json::message_to_json("observer.Node", &node);
    if state != NodeState::default() {
        let more = proto::json::message_to_json("tycho.v1.NodeState", &state);
        text.pop();
        let comma = if text.ends_with('{') { "" } else { "," };
        text.push_str(&format!("{comma}\"tycho\":{more}}}"));
    }
    text
}
