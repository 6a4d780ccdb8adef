//! `peer.Peer`: a client that listens knows the nodes, until the drain.

use observer::peers::PeerNode;
use proto::observer::GetNodesRequest;
use proto::peer::peer_client::PeerClient;
use proto::peer::{ChangeNotification, ChangeNotificationType, NotifyRequest};
use tokio_stream::StreamExt;
use tonic::Streaming;

use crate::fixture::{Fixture, LONG, NODE};

fn node(name: &str, address: &str, server_name: Option<&str>) -> PeerNode {
    PeerNode {
        name: name.to_owned(),
        address: address.to_owned(),
        tls_server_name: server_name.map(ToOwned::to_owned),
    }
}

async fn next(stream: &mut Streaming<ChangeNotification>) -> Option<String> {
    let next = tokio::time::timeout(LONG, stream.next()).await;
    let notification = next.expect("it comes")?.unwrap();
    let what = match notification.r#type() {
        ChangeNotificationType::PeerAdded => "+",
        ChangeNotificationType::PeerDeleted => "-",
        ChangeNotificationType::PeerUpdated => "~",
        ChangeNotificationType::Unknown => "?",
    };
    let tls = notification
        .tls
        .map(|tls| format!(" tls {}", tls.server_name));
    let ChangeNotification { name, address, .. } = notification;
    Some(format!("{what}{name} {address}{}", tls.unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_at_once_then_each_change_until_the_drain() {
    let mut fixture = Fixture::new(1).await;
    let board = &fixture.node.peers;
    board.set_own(node(NODE, "127.0.0.1:4244", None));
    board.set_others(vec![node(
        "default/node-b",
        "10.0.0.2:4244",
        Some("b.tycho"),
    )]);
    let mut client = PeerClient::new(fixture.channel.clone());
    let answer = client.notify(NotifyRequest {}).await.unwrap();
    let mut stream = answer.into_inner();
    let expect = async |stream: &mut _, expect: &[&str]| {
        for line in expect {
            assert_eq!(next(stream).await.as_deref(), Some(*line));
        }
    };
    let there = [
        "+node-a 127.0.0.1:4244",
        "+node-b 10.0.0.2:4244 tls b.tycho",
    ];
    expect(&mut stream, &there).await;
    // An address of its own, another cluster, a name: one after the other.
    let board = &fixture.node.peers;
    board.set_others(vec![node(
        "default/node-b",
        "10.0.0.3:4244",
        Some("b.tycho"),
    )]);
    expect(&mut stream, &["~node-b 10.0.0.3:4244 tls b.tycho"]).await;
    board.set_others(vec![node("east/node-b", "10.0.0.3:4244", Some("b.tycho"))]);
    let renamed = [
        "-node-b 10.0.0.3:4244 tls b.tycho",
        "+east/node-b 10.0.0.3:4244 tls b.tycho",
    ];
    expect(&mut stream, &renamed).await;
    board.set_own(node(NODE, "127.0.0.1:4244", Some("a.tycho")));
    expect(&mut stream, &["~node-a 127.0.0.1:4244 tls a.tycho"]).await;
    board.set_others(Vec::new());
    expect(&mut stream, &["-east/node-b 10.0.0.3:4244 tls b.tycho"]).await;

    let nodes = fixture.client().get_nodes(GetNodesRequest {}).await;
    let nodes = nodes.unwrap().into_inner().nodes;
    let tls = nodes[0].tls.clone().unwrap();
    assert_eq!(nodes[0].address, "127.0.0.1:4244");
    assert_eq!((tls.enabled, tls.server_name.as_str()), (true, "a.tycho"));

    let end = async {
        let end = next(&mut stream).await;
        let trailers = stream.trailers().await;
        drop(stream);
        (end, trailers)
    };
    let (end, ()) = tokio::join!(end, fixture.end());
    assert_eq!(end.0, None);
    end.1.expect("the status is OK");
}
