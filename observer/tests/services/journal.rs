//! `tycho.v1.Journal`: what held when, page by page.

use std::collections::HashMap;

use proto::tycho::v1::journal_client::JournalClient;
use proto::tycho::v1::journal_entry::What;
use proto::tycho::v1::{
    AddEndpointRequest, DeletePolicyRequest, GetJournalRequest, GetJournalResponse,
    ImportPoliciesRequest, JournalEntry, JournalKind, LabelEndpointRequest, PolicyName,
    RemoveEndpointRequest,
};
use tonic::{Code, Status};

use crate::fixture::{Fixture, NODE};
use crate::planned::{Files, Life};
use crate::policies::refused;

async fn get(life: &Life, request: GetJournalRequest) -> Result<GetJournalResponse, Status> {
    let mut client = JournalClient::new(life.tcp.clone());
    Ok(client.get_journal(request).await?.into_inner())
}

/// All pages of a request.
async fn all(life: &Life, request: GetJournalRequest) -> Vec<JournalEntry> {
    let mut entries = Vec::new();
    let mut request = request;
    loop {
        let page = get(life, request.clone()).await.unwrap();
        assert!(page.entries.len() <= usize::try_from(request.page_size.max(1_000)).unwrap());
        assert_eq!(page.extents[0].node_name, NODE);
        entries.extend(page.entries);
        if page.next_page_token.is_empty() {
            return entries;
        }
        request.page_token = page.next_page_token;
    }
}

/// What held, in short; `…` if it ended.
fn short(entry: &JournalEntry) -> String {
    let what = match entry.what.as_ref().unwrap() {
        What::Endpoint(endpoint) => {
            let role = endpoint
                .labels
                .iter()
                .find_map(|label| label.strip_prefix("k8s:role="));
            let addresses = endpoint.addresses.join(" ");
            format!("{} {} {addresses}", endpoint.name, role.unwrap_or("-"))
        }
        What::Identity(identity) => {
            let role = identity
                .labels
                .iter()
                .find(|label| label.starts_with("k8s:role="));
            role.unwrap_or(&identity.labels[0]).clone()
        }
        What::Policy(policy) => {
            let name = policy.name.as_ref().unwrap();
            let sections = policy.rules.iter().map(|rule| rule.section.as_str());
            let sections: Vec<&str> = sections.collect();
            format!(
                "{} {} {}..{}",
                name.name,
                sections.join(","),
                policy.first_revision,
                policy.last_revision
            )
        }
        What::Revision(revision) => {
            format!(
                "revision {} {}/{}",
                revision.revision, revision.policies, revision.rules
            )
        }
    };
    let ended = if entry.until.is_some() { " …" } else { "" };
    format!("{}{ended}", what.trim())
}

fn kinds(kind: JournalKind) -> GetJournalRequest {
    GetJournalRequest {
        kinds: vec![kind.into()],
        ..GetJournalRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_endpoints_identities_and_policies() {
    let files = Files::new();
    let life = files.start().await;
    let before = std::time::SystemTime::now();
    let add = AddEndpointRequest {
        endpoint:
            "{name: new, namespace: shop, netns: none, ips: [10.1.0.77], labels: {role: web}}"
                .to_owned(),
        ..AddEndpointRequest::default()
    };
    life.endpoints().add_endpoint(add).await.unwrap();
    let between = std::time::SystemTime::now();
    let label = LabelEndpointRequest {
        name: "shop/new".to_owned(),
        set: HashMap::from([("role".to_owned(), "other".to_owned())]),
        ..LabelEndpointRequest::default()
    };
    life.endpoints().label_endpoint(label).await.unwrap();
    let import = ImportPoliciesRequest {
        yaml: "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {role: other}}, ingress: [{}]}
"
        .to_owned(),
        ..ImportPoliciesRequest::default()
    };
    life.policies().import_policies(import).await.unwrap();
    let shown = async |request: GetJournalRequest| {
        let mut shown: Vec<String> = all(&life, request).await.iter().map(short).collect();
        shown.sort_unstable();
        shown
    };
    let endpoints = kinds(JournalKind::JournalEndpoint);
    let expect = [
        "shop/db db 10.1.0.12 fd00:1::12",
        "shop/frontend frontend 10.1.0.11",
        "shop/new other 10.1.0.77",
        "shop/new web …",
    ];
    assert_eq!(shown(endpoints.clone()).await, expect);
    for page_size in 1..=5 {
        let paged = GetJournalRequest {
            page_size,
            ..endpoints.clone()
        };
        assert_eq!(shown(paged).await, expect, "{page_size} a page");
    }
    let at = |time: std::time::SystemTime| GetJournalRequest {
        at: Some(time.into()),
        ..endpoints.clone()
    };
    assert_eq!(shown(at(before)).await, expect[..2]);
    assert_eq!(
        shown(at(between)).await,
        [
            "shop/db db 10.1.0.12 fd00:1::12",
            "shop/frontend frontend 10.1.0.11",
            "shop/new web …"
        ]
    );
    let until = GetJournalRequest {
        until: Some(before.into()),
        ..endpoints.clone()
    };
    assert_eq!(shown(until).await, expect[..2]);
    let web = GetJournalRequest {
        selectors: vec!["role in (web, other)".to_owned()],
        since: Some(between.into()),
        ..endpoints.clone()
    };
    assert_eq!(shown(web).await, expect[2..]);

    let identities = shown(kinds(JournalKind::JournalIdentity)).await;
    assert_eq!(
        identities,
        [
            "cidr:192.0.2.0/24",
            "k8s:role=db",
            "k8s:role=frontend",
            "k8s:role=other",
            "k8s:role=web"
        ]
    );
    let policies = shown(kinds(JournalKind::JournalPolicy)).await;
    assert_eq!(policies, ["db ingress,ingress 1..2", "web ingress 2..2"]);
    let name = Some(PolicyName {
        kind: "NetworkPolicy".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    });
    life.policies()
        .delete_policy(DeletePolicyRequest { name })
        .await
        .unwrap();
    let policies = shown(kinds(JournalKind::JournalPolicy)).await;
    assert_eq!(policies, ["db ingress,ingress 1..3", "web ingress 2..2 …"]);
    let revisions = shown(kinds(JournalKind::JournalRevision)).await;
    assert_eq!(
        revisions,
        ["revision 1 1/2 …", "revision 2 2/3 …", "revision 3 1/2"]
    );
    let name = "shop/new".to_owned();
    life.endpoints()
        .remove_endpoint(RemoveEndpointRequest { name })
        .await
        .unwrap();
    let gone = shown(endpoints).await;
    assert_eq!(gone[2..], ["shop/new other …", "shop/new web …"]);
    // All kinds, in the order of time.
    let everything = all(&life, GetJournalRequest::default()).await;
    assert_eq!(everything.len(), 4 + 5 + 2 + 3);
    let times: Vec<_> = everything.iter().map(|entry| entry.from.unwrap()).collect();
    assert!(times.is_sorted_by_key(|time| (time.seconds, time.nanos)));
    life.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_say_nothing_are_refused() {
    let files = Files::new();
    let life = files.start().await;
    let time = Some(prost_types::Timestamp::default());
    let both = GetJournalRequest {
        at: time,
        since: time,
        ..GetJournalRequest::default()
    };
    let kind = GetJournalRequest {
        kinds: vec![77],
        ..GetJournalRequest::default()
    };
    let token = GetJournalRequest {
        page_token: "yesterday".to_owned(),
        ..GetJournalRequest::default()
    };
    let selector = GetJournalRequest {
        selectors: vec!["role in".to_owned()],
        ..GetJournalRequest::default()
    };
    for (request, words) in [
        (both, "at:"),
        (kind, "kinds: 77"),
        (token, "page_token"),
        (selector, "selectors[0]"),
    ] {
        refused(get(&life, request).await, Code::InvalidArgument, &[words]);
    }
    life.end().await;
    let fixture = Fixture::new(1).await;
    let mut client = JournalClient::new(fixture.channel.clone());
    let status = client
        .get_journal(GetJournalRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}
