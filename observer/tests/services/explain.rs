//! Why a flow got its verdict.

use bpf_events::record::{
    DIRECTION_INGRESS, KIND_DROP, REPLY_NO, REPLY_UNKNOWN, Record, VERDICT_DROPPED,
};
use proto::flow::Verdict;
use proto::tycho::v1::verdict_end::End;
use proto::tycho::v1::{Decision, ExplainRequest, Explanation};
use tonic::{Code, Status};

use crate::fixture::record;
use crate::planned::{DB_POLICY, Files, Life, until};
use crate::policies::{list, refused, verdict};

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_is_explained_from_its_record_and_its_policies() {
    let files = Files::new();
    let mut life = files.start().await;
    let pair = verdict(
        &life,
        End::Endpoint("shop/frontend".to_owned()),
        End::Endpoint("shop/db".to_owned()),
        5432,
    );
    let answer = pair.await.unwrap();
    let pair = &answer.pairs[0];
    let denied = Record {
        kind: KIND_DROP,
        verdict: VERDICT_DROPPED,
        reason: 133,
        direction: DIRECTION_INGRESS,
        reply: REPLY_NO,
        source_identity: pair.from.as_ref().unwrap().identity,
        destination_identity: pair.to.as_ref().unwrap().identity,
        destination_port: 5432,
        policy_revision: u32::try_from(answer.revision).unwrap(),
        ..record(40_000, 0)
    };
    let reference = life.feed(denied).await;
    let told = explain(&life, &reference).await.unwrap();
    let decision = told.decision.unwrap();
    assert_eq!(decision.verdict(), Verdict::Dropped);
    assert!(
        decision
            .sentence
            .starts_with("denied: nothing allows it; CiliumNetworkPolicy/shop/db"),
        "{}",
        decision.sentence
    );
    assert_eq!(decision.near[0].differences[0].what, "peer");
    assert_eq!(
        (told.revision, told.compared_revision),
        (answer.revision, answer.revision)
    );
    assert!(told.now.is_none());
    assert_eq!(told.flow.unwrap().tycho.unwrap().reference, reference);
    an_answer_is_explained_as_its_connection(&mut life, denied, &decision).await;
    // The policies change: what held stays told, and what would hold now is told beside it.
    let widened = DB_POLICY.replace("role: backend", "role: frontend");
    files.write("policies/db.yaml", &widened);
    until(async || list(&life).await.revision > answer.revision).await;
    let told = explain(&life, &reference).await.unwrap();
    assert_eq!(told.compared_revision, answer.revision);
    assert_eq!(told.now.unwrap().verdict(), Verdict::Forwarded);
    let spoofed = Record {
        reason: 132,
        ..denied
    };
    let reference = life.feed(spoofed).await;
    let told = explain(&life, &reference).await.unwrap().decision.unwrap();
    assert!(
        told.sentence.contains("no policy decided"),
        "{}",
        told.sentence
    );
    refused(
        explain(&life, "x").await,
        Code::InvalidArgument,
        &["flow:", "uuid"],
    );
    let foreign = "fabcdef0-1234-8567-8000-000000000102";
    refused(
        explain(&life, foreign).await,
        Code::NotFound,
        &["flow:", "another observer"],
    );
    life.end().await;
}

async fn explain(life: &Life, flow: &str) -> Result<Explanation, Status> {
    let request = ExplainRequest {
        flow: flow.to_owned(),
    };
    let answer = life.policies().explain(request).await;
    answer.map(tonic::Response::into_inner)
}

/// A connection that is forbidden later may lose an answer first: its drop does not say that it is one.
async fn an_answer_is_explained_as_its_connection(
    life: &mut Life,
    request: Record,
    explained: &Decision,
) {
    let table = &life.node.names.metadata;
    let mut versions = (1..100).filter_map(|index| table.version(index));
    let database = versions.find(|version| version.content().pod_name == "db");
    let database = database.expect("it is known");
    let answer = Record {
        source_identity: request.destination_identity,
        destination_identity: request.source_identity,
        source_metadata: database.index(),
        destination_metadata: 0,
        source_port: request.destination_port,
        destination_port: request.source_port,
        endpoint: u16::try_from(database.content().endpoint_id).unwrap(),
        reply: REPLY_UNKNOWN,
        ..request
    };
    let reference = life.feed(answer).await;
    let told = explain(life, &reference).await.unwrap().decision.unwrap();
    assert!(told.sentence.contains("shop/db into"), "{}", told.sentence);
    assert_eq!(told.near, explained.near);
}
