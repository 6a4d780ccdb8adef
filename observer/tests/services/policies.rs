//! Policies as clients see them, and verdicts without traffic.

use proto::flow::Verdict;
use proto::tycho::v1::policies_client::PoliciesClient;
use proto::tycho::v1::verdict_end::End;
use proto::tycho::v1::{
    DeletePolicyRequest, GetPolicyRequest, GetVerdictRequest, GetVerdictResponse,
    ImportPoliciesRequest, ListPoliciesRequest, ListPoliciesResponse, PolicyName, VerdictEnd,
};
use tonic::{Code, Status};

use crate::planned::{DB_POLICY, Files, Life, until};

fn named(name: &str) -> PolicyName {
    PolicyName {
        kind: "CiliumNetworkPolicy".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

/// The policy of the database under another name, for the frontend.
pub(crate) fn other(name: &str) -> String {
    let text = DB_POLICY.replace("name: db", &format!("name: {name}"));
    text.replace("{role: db}", "{role: frontend}")
}

pub(crate) async fn list(life: &Life) -> ListPoliciesResponse {
    let request = ListPoliciesRequest {};
    let answer = life.policies().list_policies(request).await;
    answer.unwrap().into_inner()
}

pub(crate) async fn import(life: &Life, yaml: &str) -> Result<Vec<PolicyName>, Status> {
    let request = ImportPoliciesRequest {
        yaml: yaml.to_owned(),
        file: "mine.yaml".to_owned(),
    };
    let answer = life.policies().import_policies(request).await?;
    Ok(answer.into_inner().names)
}

pub(crate) async fn delete(life: &Life, name: &str) -> Result<u64, Status> {
    let request = DeletePolicyRequest {
        name: Some(named(name)),
    };
    let answer = life.policies().delete_policy(request).await?;
    Ok(answer.into_inner().revision)
}

pub(crate) async fn verdict(
    life: &Life,
    from: End,
    to: End,
    port: u32,
) -> Result<GetVerdictResponse, Status> {
    let request = GetVerdictRequest {
        from: Some(VerdictEnd { end: Some(from) }),
        to: Some(VerdictEnd { end: Some(to) }),
        protocol: 6,
        port,
    };
    Ok(life.policies().get_verdict(request).await?.into_inner())
}

pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, words: &[&str]) {
    let status = result.unwrap_err();
    assert_eq!(status.code(), code, "{status}");
    for word in words {
        assert!(status.message().contains(word), "{word}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_policies_are_listed_kept_replaced_and_deleted() {
    let files = Files::new();
    let life = files.start().await;
    let before = list(&life).await;
    assert_eq!((before.policies.len(), before.problem.as_str()), (1, ""));
    assert!(before.counted_since.is_some());
    let db = &before.policies[0];
    assert_eq!((db.owner.as_str(), db.endpoints), ("file", 1));
    assert!(db.default_deny_ingress && !db.default_deny_egress && db.yaml.is_empty());
    assert!(db.source.ends_with("policies/db.yaml:2"), "{}", db.source);
    let rule = &db.rules[0];
    assert_eq!(
        (rule.section.as_str(), rule.index, rule.line),
        ("ingress", 0, 8)
    );
    assert!(rule.description.contains("role=backend") && rule.number != 0);
    let both = format!("{}---{}", other("one"), other("two"));
    assert_eq!(
        import(&life, &both).await.unwrap(),
        [named("one"), named("two")]
    );
    import(&life, &other("two").replace("role: backend", "role: batch"))
        .await
        .unwrap();
    let after = list(&life).await;
    assert!(after.revision > before.revision);
    life.end().await;
    let life = files.start().await;
    let request = GetPolicyRequest {
        name: Some(named("two")),
    };
    let two = life
        .policies()
        .get_policy(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((two.owner.as_str(), two.endpoints), ("api", 1));
    assert!(two.yaml.contains("role: batch") && !two.yaml.contains("name: one"));
    assert!(
        files
            .path("api/policies/CiliumNetworkPolicy.shop.two.yaml")
            .exists()
    );
    delete(&life, "one").await.unwrap();
    refused(
        delete(&life, "one").await,
        Code::NotFound,
        &["shop/one", "policy list"],
    );
    refused(
        delete(&life, "db").await,
        Code::FailedPrecondition,
        &["db.yaml:2"],
    );
    assert_eq!(list(&life).await.policies.len(), 2);
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_are_all_or_nothing() {
    let files = Files::new();
    let life = files.start().await;
    let before = list(&life).await;
    for (yaml, code, words) in [
        (
            format!("{}---{DB_POLICY}", other("one")),
            Code::AlreadyExists,
            vec!["mine.yaml:", "shop/db", "db.yaml:2"],
        ),
        (
            format!(
                "{}---{}",
                other("one"),
                other("two").replace("toPorts", "toPort")
            ),
            Code::InvalidArgument,
            vec!["mine.yaml:", "toPort"],
        ),
        (
            format!("{}---{}", other("one"), other("one")),
            Code::InvalidArgument,
            vec!["mine.yaml:"],
        ),
        (String::new(), Code::InvalidArgument, vec!["mine.yaml"]),
    ] {
        refused(import(&life, &yaml).await, code, &words);
    }
    assert_eq!(list(&life).await, before);
    assert!(!files.path("api").exists());
    let mut client = PoliciesClient::new(life.tcp.clone());
    let request = ImportPoliciesRequest::default();
    refused(
        client.import_policies(request).await,
        Code::PermissionDenied,
        &["Unix socket"],
    );
    let request = DeletePolicyRequest::default();
    refused(
        client.delete_policy(request).await,
        Code::PermissionDenied,
        &["Unix socket"],
    );
    // A file with a name that was added: the last good state stays, until the addition goes.
    import(&life, &other("one")).await.unwrap();
    files.write("policies/one.yaml", &other("one"));
    until(async || list(&life).await.problem.contains("shop/one")).await;
    delete(&life, "one").await.unwrap();
    let now = list(&life).await;
    assert_eq!((now.problem.as_str(), now.policies.len()), ("", 2));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_without_traffic() {
    let files = Files::new();
    let life = files.start().await;
    let db = || End::Endpoint("shop/db".to_owned());
    let ip = |text: &str| End::Ip(text.to_owned());
    let policy = files.path("policies/db.yaml").display().to_string();
    for (from, port, expect, words) in [
        (
            ip("10.1.0.11"),
            5432,
            Verdict::Dropped,
            format!(
                "denied: nothing allows it; CiliumNetworkPolicy/shop/db ({policy}:2) puts shop/db into default deny for ingress"
            ),
        ),
        (
            ip("192.0.2.7"),
            80,
            Verdict::Forwarded,
            format!("allowed by CiliumNetworkPolicy/shop/db ingress[1] ({policy}:10)"),
        ),
        (
            ip("198.51.100.1"),
            80,
            Verdict::Dropped,
            "denied: nothing".to_owned(),
        ),
        (
            End::Identity(1),
            80,
            Verdict::Forwarded,
            "always passes".to_owned(),
        ),
    ] {
        let answer = verdict(&life, from, db(), port).await.unwrap();
        let [pair] = &answer.pairs[..] else {
            panic!("{answer:?}");
        };
        let ingress = pair.ingress.as_ref().unwrap();
        assert_eq!(pair.verdict(), expect, "{pair:?}");
        assert!(ingress.sentence.contains(&words), "{}", ingress.sentence);
        assert_eq!(pair.to.as_ref().unwrap().endpoints, ["shop/db"]);
        assert_eq!(pair.egress.as_ref().unwrap().verdict(), Verdict::Forwarded);
    }
    let near = verdict(&life, End::Endpoint("shop/frontend".to_owned()), db(), 5432)
        .await
        .unwrap();
    let miss = near.pairs[0].ingress.as_ref().unwrap().near[0].clone();
    let differences: Vec<&str> = miss
        .differences
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!((differences, miss.rule.unwrap().index), (vec!["peer"], 0));
    let all = verdict(
        &life,
        End::Selector(String::new()),
        End::Selector("role".to_owned()),
        80,
    );
    assert!(all.await.unwrap().pairs.len() > 20);
    for (from, to, port, code, word) in [
        (
            End::Selector("a in (".to_owned()),
            db(),
            80,
            Code::InvalidArgument,
            "from:",
        ),
        (db(), ip("x"), 80, Code::InvalidArgument, "to:"),
        (
            db(),
            End::Endpoint("x".to_owned()),
            80,
            Code::NotFound,
            "shop/frontend",
        ),
        (db(), End::Identity(60_000), 80, Code::NotFound, "to:"),
        (db(), db(), 70_000, Code::InvalidArgument, "port:"),
    ] {
        refused(verdict(&life, from, to, port).await, code, &[word]);
    }
    let request = GetVerdictRequest::default();
    refused(
        life.policies().get_verdict(request).await,
        Code::InvalidArgument,
        &["protocol:"],
    );
    life.end().await;
}
