//! Nodes that another server's `peer.Peer` tells of.

use std::collections::BTreeMap;

use daemon::connect::{Address, Asker, ClientSecurity, ClientTls, Scheme, Windows, connect};
use daemon::tasks::Tasks;
use proto::peer::peer_client::PeerClient;
use proto::peer::{ChangeNotification, ChangeNotificationType, NotifyRequest};
use tokio::sync::watch::Sender;

use super::Specs;
use super::spec::{Origin, PeerSpec, qualified};
use super::state::{Backoff, seed};

/// Nodes of one service at most.
const NODES: usize = 10_000;

/// Follows a service. What it told last holds until it can be asked again.
pub(super) fn follow(address: Address, tls: Option<ClientTls>, tasks: &Tasks) -> Specs {
    let (sender, receiver) = tokio::sync::watch::channel(Vec::new());
    let cancel = tasks.cancellation();
    tasks.spawn("follow a peer service", async move {
        let mut backoff = Backoff::new(seed("peer service"));
        let work = async {
            loop {
                let reason = listen(&address, tls.as_ref(), &sender, &mut backoff).await;
                tracing::warn!(%address, reason, "the peer service cannot be asked; what it told last holds");
                tokio::time::sleep(backoff.pause()).await;
            }
        };
        let ended: Option<()> = cancel.run_until_cancelled(work).await;
        debug_assert!(ended.is_none(), "the work never ends by itself");
    });
    receiver
}

/// Listens until there is nothing more to hear; says why.
async fn listen(
    address: &Address,
    tls: Option<&ClientTls>,
    sender: &Sender<Vec<PeerSpec>>,
    backoff: &mut Backoff,
) -> String {
    let security = match address.scheme {
        Scheme::Tls => ClientSecurity::Tls(tls.cloned().unwrap_or_default()),
        Scheme::Unsaid => ClientSecurity::Plaintext,
    };
    let channel = match connect(&address.target, &security, Windows::BULK).await {
        Ok(channel) => channel,
        Err(error) => return error.told(Asker::Relay),
    };
    let mut stream = match PeerClient::new(channel).notify(NotifyRequest {}).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => return status.message().to_owned(),
    };
    // The service begins with all nodes; those of before that are not among them are gone once they are told.
    let mut nodes = BTreeMap::new();
    loop {
        match stream.message().await {
            Ok(Some(notification)) => {
                backoff.reset();
                change(&mut nodes, notification);
                sender.send_replace(nodes.values().cloned().collect());
            }
            Ok(None) => return "it ended the stream".to_owned(),
            Err(status) => return status.message().to_owned(),
        }
    }
}

fn change(nodes: &mut BTreeMap<String, PeerSpec>, notification: ChangeNotification) {
    let name = qualified(&notification.name);
    match notification.r#type() {
        ChangeNotificationType::PeerDeleted => {
            nodes.remove(&name);
        }
        ChangeNotificationType::PeerAdded | ChangeNotificationType::PeerUpdated => {
            let server_name = notification.tls.map(|tls| tls.server_name);
            match notification.address.parse() {
                Ok(_) if nodes.len() >= NODES && !nodes.contains_key(&name) => {
                    tracing::warn!(
                        peer = name,
                        "the peer service tells of more than {NODES} nodes"
                    );
                }
                Ok(address) => {
                    let spec = PeerSpec::told(&name, address, server_name, Origin::PeerService);
                    nodes.insert(name, spec);
                }
                Err(error) => {
                    tracing::warn!(peer = name, %error, "the peer service tells of a node that cannot be reached");
                }
            }
        }
        ChangeNotificationType::Unknown => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::peer::Tls;

    #[test]
    fn notifications() {
        let mut nodes = BTreeMap::new();
        let mut tell =
            |name: &str, address: &str, tls: Option<&str>, kind: ChangeNotificationType| {
                let notification = ChangeNotification {
                    name: name.to_owned(),
                    address: address.to_owned(),
                    r#type: kind.into(),
                    tls: tls.map(|name| Tls {
                        server_name: name.to_owned(),
                    }),
                };
                change(&mut nodes, notification);
                nodes
                    .values()
                    .map(|spec| format!("{} {} {:?}", spec.name, spec.tls, spec.server_name))
                    .collect::<Vec<_>>()
            };
        use ChangeNotificationType::{PeerAdded, PeerDeleted, PeerUpdated};
        assert_eq!(
            tell("a", "10.0.0.1:4244", None, PeerAdded),
            ["default/a false None"]
        );
        tell("x/b", "10.0.0.2:4244", Some("b.x"), PeerAdded);
        assert_eq!(
            tell("a", "10.0.0.1:4244", Some("a"), PeerUpdated),
            ["default/a true Some(\"a\")", "x/b true Some(\"b.x\")"]
        );
        assert_eq!(tell("x/b", "", None, PeerDeleted).len(), 1);
        assert_eq!(tell("c", "nowhere", None, PeerAdded).len(), 1);
    }
}
