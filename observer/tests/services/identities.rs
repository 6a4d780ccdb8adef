//! Identities as clients see them, now and then.

use proto::tycho::v1::{GetIdentityRequest, IdentityScope, ListIdentitiesRequest};
use tonic::Code;

use crate::planned::Files;
use crate::policies::refused;

#[tokio::test(flavor = "multi_thread")]
async fn identities_now_and_then() {
    let files = Files::new();
    let life = files.start().await;
    let list = async |selectors: Vec<String>, at| {
        let request = ListIdentitiesRequest { selectors, at };
        life.identities()
            .list_identities(request)
            .await
            .map(|answer| answer.into_inner())
    };
    let all = list(Vec::new(), None).await.unwrap();
    let scopes = |scope: IdentityScope| {
        let identities = all.identities.iter();
        identities.filter(move |one| one.scope() == scope).count()
    };
    assert_eq!(scopes(IdentityScope::Reserved), 11);
    assert_eq!(scopes(IdentityScope::Cluster), 2);
    assert_eq!(scopes(IdentityScope::Node), 1);
    let db = list(vec!["role=db".to_owned()], None)
        .await
        .unwrap()
        .identities;
    assert_eq!((db.len(), db[0].endpoints), (1, 1));
    assert!(db[0].from.is_some() && db[0].until.is_none());
    let identity = db[0].identity;
    let get = async |identity, at| {
        let request = GetIdentityRequest { identity, at };
        life.identities()
            .get_identity(request)
            .await
            .map(|answer| answer.into_inner())
    };
    assert_eq!(get(identity, None).await.unwrap(), db[0]);
    assert_eq!(get(2, None).await.unwrap().labels, ["reserved:world"]);
    refused(
        get(60_000, None).await,
        Code::NotFound,
        &["60000", "identity list"],
    );
    let long_ago = Some(prost_types::Timestamp {
        seconds: 1,
        nanos: 0,
    });
    refused(get(identity, long_ago).await, Code::OutOfRange, &["at:"]);
    life.end().await;
}
