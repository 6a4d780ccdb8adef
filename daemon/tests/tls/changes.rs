//! Certificates change, and expire, while servers and connections run.

use std::fs;
use std::time::Duration;

use certificates::Validity;
use daemon::connect::{ClientTls, ConnectError};
use daemon::tls::TlsState;

use crate::place::{DAY, LONG, Place, Served, answers, leaves};

/// Waits until the server's state is as wanted.
async fn until(served: &Served, fits: impl Fn(&TlsState) -> bool) -> TlsState {
    let tls = served.tls.as_ref().unwrap();
    let look = async {
        loop {
            let state = tls.state();
            if fits(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let end = tokio::time::timeout(LONG, look).await;
    end.unwrap_or_else(|_| panic!("the state stays {:?}", tls.state()))
}

#[tokio::test]
async fn new_files_are_taken_and_bad_ones_are_not() {
    let place = Place::new();
    let files = place.server_files(true);
    let served = Served::start(Some(files.clone())).await;
    let alice = place.client(Some("client-alice"));
    let first = served.connect(Some(&alice)).await.unwrap();
    let before = until(&served, |state| state.problem.is_none()).await;

    // A new certificate of the same CA.
    place.make("ours", Validity::lasting(2 * DAY), &leaves()[..1]);
    let renewed = until(&served, |state| state.certificate != before.certificate).await;
    assert!(renewed.certificate.not_after > before.certificate.not_after);
    assert!(answers(&first).await, "what runs goes on");
    let second = served.connect(Some(&alice)).await.unwrap();
    assert!(answers(&second).await);

    // Bad files are reported, and change nothing.
    let key = fs::read(&files.certificate.key).unwrap();
    let certificate = fs::read(&files.certificate.certificate).unwrap();
    let expired = Validity {
        not_before: std::time::SystemTime::now() - DAY,
        not_after: std::time::SystemTime::now(),
    };
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("has no certificate", &|| {
            fs::write(&files.certificate.certificate, "half").unwrap();
        }),
        ("cannot read", &|| {
            fs::remove_file(&files.certificate.key).unwrap();
        }),
        ("not made together", &|| {
            let other = place.files("ours", "relay-r").key;
            fs::copy(other, &files.certificate.key).unwrap();
        }),
        ("is valid from", &|| {
            place.make("ours", expired, &leaves()[..1]);
        }),
    ];
    for (expect, spoil) in spoil {
        spoil();
        let state = until(&served, |state| state.problem.is_some()).await;
        let problem = state.problem.unwrap();
        assert!(problem.contains(expect), "{problem}");
        assert_eq!(state.certificate, renewed.certificate);
        let channel = served.connect(Some(&alice)).await.unwrap();
        assert!(answers(&channel).await, "{expect}");
        fs::write(&files.certificate.key, &key).unwrap();
        fs::write(&files.certificate.certificate, &certificate).unwrap();
        until(&served, |state| state.problem.is_none()).await;
    }

    // Another CA for clients: those of the old one are known no longer, but stay.
    fs::copy(place.authority("theirs"), place.authority("ours")).unwrap();
    let bob = ClientTls {
        certificate: Some(place.files("theirs", "client-alice")),
        allow_insecure: true,
        ..alice.clone()
    };
    let stranger = ClientTls {
        allow_insecure: true,
        ..alice
    };
    let mut refused = None;
    for _ in 0..1_000 {
        refused = served.connect(Some(&stranger)).await.err();
        if refused.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        matches!(refused, Some(ConnectError::ClientCertificateRefused(_))),
        "{refused:?}"
    );
    let third = served.connect(Some(&bob)).await.unwrap();
    for channel in [&first, &second, &third] {
        assert!(answers(channel).await, "what runs goes on");
    }
    served.end().await;
}

#[tokio::test]
async fn a_certificate_expires() {
    let place = Place::new();
    place.make("ours", Validity::lasting(Duration::from_secs(3)), &leaves());
    let served = Served::start(Some(place.server_files(true))).await;
    // A certificate of the client's that holds longer, so that the server's is what expires.
    place.make("ours", Validity::lasting(DAY), &leaves()[2..]);
    let alice = place.client(Some("client-alice"));
    let channel = served.connect(Some(&alice)).await.unwrap();
    let refused = loop {
        match served.connect(Some(&alice)).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, ConnectError::Expired { .. }), "{refused}");
    assert!(answers(&channel).await, "what runs goes on");
    place.make("ours", Validity::lasting(DAY), &leaves()[..1]);
    until(&served, |state| {
        state.certificate.holds_at(std::time::SystemTime::now())
    })
    .await;
    let channel = served.connect(Some(&alice)).await.unwrap();
    assert!(answers(&channel).await);
    served.end().await;
}
