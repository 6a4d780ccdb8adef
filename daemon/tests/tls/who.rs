//! What a server learns of its clients.

use daemon::listen::Peer;

use crate::place::{Place, Served, answers};

#[tokio::test]
async fn a_peer_says_which_certificate_was_shown() {
    let place = Place::new();
    for (mutual, file, name, admin) in [
        (true, Some("client-alice"), Some("alice"), false),
        (true, Some("admin-root"), Some("root"), true),
        (true, Some("relay-r"), Some("r"), false),
        // A server that asks for none knows none, whatever the client has.
        (false, Some("admin-root"), None, false),
        (false, None, None, false),
    ] {
        let mut served = Served::start(Some(place.server_files(mutual))).await;
        let client = place.client(file);
        let channel = served.connect(Some(&client)).await.unwrap();
        assert!(answers(&channel).await);
        let Some(Peer::Tls {
            remote,
            certificate,
        }) = served.peers.recv().await
        else {
            panic!("{file:?} came otherwise");
        };
        assert!(remote.unwrap().ip().is_loopback());
        let shown = certificate.as_ref();
        let shown_name = shown.and_then(|certificate| certificate.common_name.as_deref());
        assert_eq!(shown_name, name);
        assert_eq!(
            shown.is_some_and(|certificate| certificate.is_admin()),
            admin
        );
        served.end().await;
    }
    let mut plain = Served::start(None).await;
    let channel = plain.connect(None).await.unwrap();
    assert!(answers(&channel).await);
    let peer = plain.peers.recv().await;
    assert!(
        matches!(peer, Some(Peer::Tcp { remote: Some(_) })),
        "{peer:?}"
    );
    plain.end().await;
}
