//! `kill -9` under traffic: enforcement goes on, and the next observer takes over what the kernel has.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tests::agent::Agent;
use tests::flows::tell;
use tests::site::Site;

use super::POLICY;

const WORKLOADS: [(&str, &str); 3] = [
    ("frontend-1", "frontend"),
    ("backend-1", "backend"),
    ("intruder-1", "intruder"),
];
const RULE: &str = "CiliumNetworkPolicy/shop/backend ingress[0]";
/// Often enough to see the open connection on both sides of the restart.
const OFTEN: [&str; 2] = ["--trace-interval", "100ms"];

#[test]
fn a_killed_observer_is_followed_by_one_that_knows_its_numbers() {
    let site = Site::new("obs", &WORKLOADS);
    site.set_policies(POLICY);
    let agent = Agent::start(&site, &OFTEN);
    let _server = site.serve("backend-1", false, 8080);
    let backend = site.at("backend-1", false, 8080);
    let mut connection = site.connect("frontend-1", backend).expect("allowed");
    let port = connection.local().port().to_string();
    assert!(!site.is_answered("intruder-1", backend));
    let rejudged = |agent: &Agent| agent.status().counter("connections judged again");

    let over = AtomicBool::new(false);
    let (before, after) = std::thread::scope(|scope| {
        let talk = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let answer = connection.request(100).expect("sockets work");
                answer.expect("an established connection goes on");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let _end = End(&over);
        let before = numbers(&agent.observe_until(&[], |flows| flows.len() > 8));
        agent.kill();
        assert!(site.pins().exists());
        assert!(!site.is_answered("intruder-1", backend));
        assert!(site.is_answered("frontend-1", backend));
        let agent = Agent::start(&site, &OFTEN);
        assert!(!site.is_answered("intruder-1", backend));
        assert!(site.is_answered("frontend-1", backend));
        let own = ["--port", &port, "--type", "trace", "--all"];
        let flows = agent.observe_until(&own, |flows| flows.len() > 8);
        for flow in &flows {
            assert_open_connection(flow);
        }
        assert_eq!(rejudged(&agent), 0, "nothing has changed for it");
        let after = numbers(&agent.observe(&["--all"]));
        over.store(true, Ordering::Relaxed);
        talk.join().expect("it ends");

        let status = agent.status_at_rest();
        assert!(status.stage("before this start") > 0, "{status:?}");
        assert_eq!(status.stage("lost: kernel ring"), 0);
        assert!(status.counter("connections at start") > 0, "{status:?}");
        assert!(agent.log().contains("adopted=true"));
        (before, after)
    });
    assert_eq!(before, after);
}

/// Stops the talk when an assertion ends the test, too.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A trace of the connection that was open before the restart.
#[track_caller]
fn assert_open_connection(response: &Value) {
    let (flow, told) = (&response["flow"], tell(response));
    let reply = flow["source"]["pod_name"] == "backend-1";
    assert_eq!(flow["is_reply"], reply, "{told}");
    assert_eq!(flow["verdict"], "FORWARDED", "{told}");
    let expected = if reply {
        "backend-1(backend) > frontend-1(frontend):"
    } else {
        "frontend-1(frontend) > backend-1(backend):8080"
    };
    assert!(told.starts_with(expected), "{told}");
    // The backend's hook decided by its rule; the frontend's egress is free.
    let direction = flow["traffic_direction"].as_str();
    assert_eq!(direction == Some("INGRESS"), told.ends_with(RULE), "{told}");
    assert_eq!(response["tycho"]["midstream"], Value::Null, "{told}");
}

/// Which number stands for what, in every flow: pods with identity and endpoint number, and rules.
fn numbers(responses: &[Value]) -> Vec<String> {
    let mut numbers = Vec::new();
    for response in responses {
        for end in ["source", "destination"] {
            let end = &response["flow"][end];
            numbers.push(format!(
                "{} {} {} {}",
                end["pod_name"], end["identity"], end["ID"], end["labels"]
            ));
        }
        let details = &response["tycho"];
        numbers.push(format!("{} {}", details["rule"], details["rule_name"]));
    }
    numbers.sort();
    numbers.dedup();
    numbers
}
