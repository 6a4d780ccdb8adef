//! GetAgentEvents: which events a request gets, and what a node tells of its own changes.

use std::collections::HashMap;

use observer::agent_events::AGENT_EVENTS;
use proto::flow::AgentEvent;
use proto::flow::agent_event::Notification;
use proto::observer::observer_client::ObserverClient;
use proto::observer::{GetAgentEventsRequest, GetAgentEventsResponse, GetDebugEventsRequest};
use proto::tycho::v1::{
    AddEndpointRequest, DeletePolicyRequest, ImportPoliciesRequest, LabelEndpointRequest,
    PolicyName, RemoveEndpointRequest,
};
use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::fixture::{Fixture, LONG, NODE};
use crate::planned::Files;

async fn next(stream: &mut Streaming<GetAgentEventsResponse>) -> Option<GetAgentEventsResponse> {
    let next = tokio::time::timeout(LONG, stream.next()).await;
    next.expect("it comes").transpose().unwrap()
}

/// Every answer to a request that ends by itself.
async fn answers(
    channel: &Channel,
    request: GetAgentEventsRequest,
) -> Result<Vec<GetAgentEventsResponse>, Status> {
    let mut client = ObserverClient::new(channel.clone());
    let mut stream = client.get_agent_events(request).await?.into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = next(&mut stream).await {
        answers.push(answer);
    }
    Ok(answers)
}

/// An event that is told by the seconds of its time.
fn seconds(answer: &GetAgentEventsResponse) -> i64 {
    answer.time.unwrap().seconds
}

fn add(fixture: &Fixture, seconds: impl IntoIterator<Item = u64>) {
    for second in seconds {
        let time_ns = second * 1_000_000_000;
        fixture
            .node
            .agent_events
            .add(time_ns, AgentEvent::default());
    }
}

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_gets_the_events_it_asks_for() {
    let fixture = Fixture::new(1).await;
    add(&fixture, 1..=9);
    let check = async |number, first, since: Option<i64>, until: Option<i64>, expect: &[i64]| {
        let request = GetAgentEventsRequest {
            number,
            first,
            since: since.and_then(at),
            until: until.and_then(at),
            follow: false,
        };
        let answers = answers(&fixture.channel, request).await.unwrap();
        let found: Vec<i64> = answers.iter().map(seconds).collect();
        assert_eq!(found, expect, "{request:?}");
        assert!(answers.iter().all(|answer| answer.node_name == NODE));
    };
    check(0, false, None, None, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).await;
    check(3, false, None, None, &[7, 8, 9]).await;
    check(3, true, None, None, &[1, 2, 3]).await;
    check(99, false, None, None, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).await;
    // Both ends belong to it; the last ones of the time are meant, unless the first are asked for.
    check(0, false, Some(4), Some(6), &[4, 5, 6]).await;
    check(2, false, Some(4), Some(6), &[5, 6]).await;
    check(2, true, Some(4), Some(6), &[4, 5]).await;
    check(2, false, None, Some(6), &[5, 6]).await;
    check(0, false, Some(10), None, &[]).await;
    let refuse = async |request, expect: &str| {
        let status = answers(&fixture.channel, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(expect), "{status}");
    };
    let both = GetAgentEventsRequest {
        first: true,
        follow: true,
        ..GetAgentEventsRequest::default()
    };
    refuse(both, "first cannot be specified with follow").await;
    let since = Some(prost_types::Timestamp {
        seconds: 1,
        nanos: -1,
    });
    let no_time = GetAgentEventsRequest {
        since,
        ..GetAgentEventsRequest::default()
    };
    refuse(no_time, "since is no time").await;
    let mut client = fixture.client();
    let debug = client.get_debug_events(GetDebugEventsRequest::default());
    let status = debug.await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("GetAgentEvents"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_what_comes_and_is_told_what_it_missed() {
    let mut fixture = Fixture::new(1).await;
    add(&fixture, 1..=5);
    let follow = GetAgentEventsRequest {
        follow: true,
        ..GetAgentEventsRequest::default()
    };
    let last_two = GetAgentEventsRequest {
        number: 2,
        ..follow
    };
    let since = GetAgentEventsRequest {
        since: at(4),
        ..follow
    };
    let mut streams = Vec::new();
    for (request, before) in [
        (follow, vec![]),
        (last_two, vec![4, 5]),
        (since, vec![4, 5]),
    ] {
        let stream = fixture.client().get_agent_events(request).await.unwrap();
        let mut stream = stream.into_inner();
        for expect in before {
            assert_eq!(next(&mut stream).await.as_ref().map(seconds), Some(expect));
        }
        streams.push(stream);
    }
    add(&fixture, [6]);
    for stream in &mut streams {
        assert_eq!(next(stream).await.as_ref().map(seconds), Some(6));
    }
    // Nobody reads while the list is written over many times: each gets events or is told of them, by count.
    let written = 10 * AGENT_EVENTS as u64;
    add(&fixture, 7..7 + written);
    for stream in &mut streams {
        let (mut seen, mut last) = (0, 0);
        while last != 6 + written {
            let answer = next(stream).await.unwrap();
            last = u64::try_from(seconds(&answer)).unwrap();
            match answer.agent_event.unwrap().notification {
                Some(Notification::Unknown(loss)) => {
                    assert_eq!(loss.r#type, "lost");
                    let (count, _) = loss.notification.split_once(' ').unwrap();
                    seen += count.parse::<u64>().unwrap();
                    last = 0;
                }
                _ => seen += 1,
            }
        }
        assert_eq!(seen, written);
    }
    assert!(fixture.node.agent_events.lost() > 0);
    let end = async {
        for mut stream in streams {
            assert_eq!(next(&mut stream).await, None);
            stream.trailers().await.expect("the status is OK");
        }
    };
    tokio::join!(end, fixture.end());
}

#[tokio::test(flavor = "multi_thread")]
async fn until_ends_a_follow_of_agent_events() {
    let fixture = Fixture::new(1).await;
    add(&fixture, [1]);
    let until = std::time::SystemTime::now() + std::time::Duration::from_millis(200);
    let request = GetAgentEventsRequest {
        number: 1,
        follow: true,
        until: Some(until.into()),
        ..GetAgentEventsRequest::default()
    };
    let answers = answers(&fixture.channel, request).await.unwrap();
    assert_eq!(answers.iter().map(seconds).collect::<Vec<_>>(), [1]);
}

/// An event as `kind name`.
fn short(event: &AgentEvent) -> String {
    let kind = event.r#type().as_str_name().to_lowercase();
    let what = match event.notification.clone() {
        Some(Notification::EndpointUpdate(endpoint)) => endpoint.pod_name,
        Some(Notification::EndpointRegenerate(endpoint)) => endpoint.labels.join(","),
        Some(Notification::PolicyUpdate(policy)) => {
            let name = policy.labels.iter().find(|label| label.contains(".name="));
            name.and_then(|name| Some(name.split_once('=')?.1.to_owned()))
                .unwrap_or_default()
        }
        _ => String::new(),
    };
    format!("{kind} {what}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_of_its_own_changes() {
    let life = Files::new();
    let life = life.start().await;
    let mut client = ObserverClient::new(life.tcp.clone());
    let request = GetAgentEventsRequest {
        follow: true,
        since: at(1),
        ..GetAgentEventsRequest::default()
    };
    let mut stream = client.get_agent_events(request).await.unwrap().into_inner();
    // `short` events that must come in this order; regenerations of others may come between.
    let mut expect = async |expect: &[&str]| {
        for line in expect {
            loop {
                let event = next(&mut stream).await.unwrap().agent_event.unwrap();
                let found = short(&event);
                if found.starts_with(line) {
                    break;
                }
                assert!(
                    found.starts_with("endpoint_regenerate"),
                    "{found} for {line}"
                );
            }
        }
    };
    expect(&[
        "agent_started",
        "policy_updated db",
        "endpoint_created db",
        "endpoint_created frontend",
    ])
    .await;
    let add = AddEndpointRequest {
        endpoint:
            "{name: new, namespace: shop, netns: none, ips: [10.1.0.77], labels: {role: web}}"
                .to_owned(),
        ..AddEndpointRequest::default()
    };
    life.endpoints().add_endpoint(add).await.unwrap();
    expect(&["endpoint_created new"]).await;
    let label = LabelEndpointRequest {
        name: "shop/new".to_owned(),
        set: HashMap::from([("role".to_owned(), "other".to_owned())]),
        ..LabelEndpointRequest::default()
    };
    life.endpoints().label_endpoint(label).await.unwrap();
    expect(&["endpoint_regenerate_failure"]).await;
    let import = ImportPoliciesRequest {
        yaml: "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {role: other}}}
"
        .to_owned(),
        ..ImportPoliciesRequest::default()
    };
    life.policies().import_policies(import).await.unwrap();
    expect(&["policy_updated web", "endpoint_regenerate_failure"]).await;
    let name = Some(PolicyName {
        kind: "NetworkPolicy".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    });
    life.policies()
        .delete_policy(DeletePolicyRequest { name })
        .await
        .unwrap();
    expect(&["policy_deleted web"]).await;
    let name = "shop/new".to_owned();
    life.endpoints()
        .remove_endpoint(RemoveEndpointRequest { name })
        .await
        .unwrap();
    expect(&["endpoint_deleted new"]).await;
    life.end().await;
}
